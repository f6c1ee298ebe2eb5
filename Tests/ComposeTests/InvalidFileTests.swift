import Testing

@Suite("Files that are wrong")
struct InvalidFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: String

        init(_ text: String, _ expected: String) {
            self.text = text
            self.expected = expected
        }

        var testDescription: String { expected }
    }

    /// Each with all of what is printed, `compose.yaml:` left out of the first line.
    private static let cases: [Case] = [
        Case(
            "a: {image: x, log_driver: syslog}\n",
            """
            1:27: error: `services.a.log_driver`: unknown value `syslog`
              1 | a: {image: x, log_driver: syslog}
                |                           ^~~~~~
            hint: expected `json-file`, `local`, `none`

            """
        ),
        Case(
            "services:\n  a: {build: {additional_contexts: {x: 'service:b'}}}\n  b: {build: {additional_contexts: {x: 'service:a'}}}\n",
            """
            2:37: error: services are built from each other in a circle: `a` → `b` → `a`
              2 |   a: {build: {additional_contexts: {x: 'service:b'}}}
                |                                     ^

            """
        ),
        Case(
            "services:\n  web:\n    imgae: a\n",
            "3:5: error: unknown key `imgae` in `services.web`\n  3 |     imgae: a\n    |     ^~~~~ did you mean `image`?\n"
        ),
        Case(
            "service:\n  web: {}\n",
            "1:1: error: unknown key `service`\n  1 | service:\n    | ^~~~~~~ did you mean `services`?\n"
        ),
        Case(
            "services: {a: {image: x, ports: 80}}\n",
            """
            1:33: error: `services.a.ports` is a number: expected a list
              1 | services: {a: {image: x, ports: 80}}
                |                                 ^~

            """
        ),
        Case(
            "services: {a: {image: 5}}\n",
            """
            1:23: error: `services.a.image` is a number: expected a string
              1 | services: {a: {image: 5}}
                |                       ^
            hint: quotes make it a string

            """
        ),
        Case(
            "services: {a: {image: x, mem_limit: lots}}\n",
            """
            1:37: error: `services.a.mem_limit`: invalid value `lots`: expected a size such as 512m
              1 | services: {a: {image: x, mem_limit: lots}}
                |                                     ^~~~

            """
        ),
        Case(
            "services: {a: {image: x, ports: ['80:99999']}}\n",
            """
            1:34: error: `services.a.ports`: invalid port `80:99999`: `99999` is neither a port nor a range of ports
              1 | services: {a: {image: x, ports: ['80:99999']}}
                |                                  ^~~~~~~~~~
            hint: expected, for example, 8080:80, 127.0.0.1:8080:80 or 53:53/udp

            """
        ),
        Case(
            "services: {a: {image: x, restart: allways}}\n",
            """
            1:35: error: invalid `restart`: `allways`
              1 | services: {a: {image: x, restart: allways}}
                |                                   ^~~~~~~
            hint: expected no, always, unless-stopped, on-failure or on-failure:3

            """
        ),
        Case(
            "services: {a: {}}\n",
            """
            1:12: error: service `a` has neither `image` nor `build`
              1 | services: {a: {}}
                |            ^
            hint: `image: NAME` names an image, `build: .` a directory with a Dockerfile

            """
        ),
        Case(
            "services: {a: {image: x, gpus: all}}\n",
            """
            1:26: error: `services.a.gpus` is not supported: it needs a vendor's hooks; `devices` gives the container device files
              1 | services: {a: {image: x, gpus: all}}
                |                          ^~~~

            """
        ),
        Case(
            "services: {a: {image: x, networks: [fornt]}}\nnetworks: {front: }\n",
            """
            1:37: error: service `a` refers to the network `fornt`, which is not defined
              1 | services: {a: {image: x, networks: [fornt]}}
                |                                     ^~~~~ did you mean `front`?

            """
        ),
        Case(
            "services: {a: {image: '${IMAGE:?name it}'}}\n",
            """
            1:23: error: the variable `IMAGE` is required and not set: name it
              1 | services: {a: {image: '${IMAGE:?name it}'}}
                |                       ^~~~~~~~~~~~~~~~~~~

            """
        ),
        Case(
            "services:\n  a:\n    image: x\n    image: y\n",
            """
            4:5: error: the key `image` is given twice
              4 |     image: y
                |     ^~~~~
            compose.yaml:3:5: note: `image` is given here first

            """
        ),
        Case(
            "services:\n\ta:\n",
            """
            2:1: error: invalid YAML: while scanning for the next token, found character that cannot start any token
              2 |     a:
                | ^~~~ indent by blanks, not by tabs

            """
        ),
        Case(
            "services: {a: *bas, b: &base {image: x}}\n",
            "1:15: error: unknown anchor `bas`\n  1 | services: {a: *bas, b: &base {image: x}}\n    |               ^~~~\n"
        ),
        Case(
            "services: {a: !rest {image: x}}\n",
            """
            1:15: error: unknown tag `!rest`
              1 | services: {a: !rest {image: x}}
                |               ^~~~~~~ did you mean `!reset`?

            """
        ),
        Case(
            "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n",
            """
            2:30: error: services depend on each other in a circle: `a` → `b` → `a`
              2 |   a: {image: x, depends_on: [b]}
                |                              ^

            """
        ),
        Case(
            "services:\n  a: {image: x, extends: b}\n  b: {extends: a}\n",
            """
            2:26: error: services extend each other in a circle: `a` → `b` → `a`
              2 |   a: {image: x, extends: b}
                |                          ^

            """
        ),
        Case(
            "include: [compose.yaml]\nservices: {a: {image: x}}\n",
            """
            1:11: error: files include each other in a circle: `compose.yaml` → `compose.yaml`
              1 | include: [compose.yaml]
                |           ^~~~~~~~~~~~

            """
        ),
        Case(
            "include: [gone.yaml]\n",
            """
            1:11: error: cannot read `gone.yaml`: no such file or directory
              1 | include: [gone.yaml]
                |           ^~~~~~~~~

            """
        ),
        Case(
            "services: {a: {image: x, profiles: [p]}, b: {image: x, depends_on: [a]}}\n",
            """
            1:69: error: service `b` depends on `a`, whose profiles are not active
              1 | services: {a: {image: x, profiles: [p]}, b: {image: x, depends_on: [a]}}
                |                                                                     ^
            hint: `--profile` activates a profile; `required: false` does without the service

            """
        ),
        Case(
            "services: {a: {image: x, tmpfs: /t, volumes: [/t]}}\n",
            """
            1:47: error: service `a` mounts two things at `/t`
              1 | services: {a: {image: x, tmpfs: /t, volumes: [/t]}}
                |                                               ^~
            compose.yaml:1:33: note: `/t` is mounted here first

            """
        ),
        Case("- a\n", "1:1: error: the file is a list: expected a mapping\n  1 | - a\n    | ^\n"),
        Case(
            "a: \u{0}\n",
            "1:4: error: invalid YAML: control characters are not allowed\n  1 | a: \u{FFFD}\n    |    ^\n"
        ),
    ]

    @Test("are answered with all of this", arguments: cases)
    func message(wrong: Case) throws {
        let directory = try ProjectDirectory(["compose.yaml": wrong.text])
        #expect(directory.failure() == "compose.yaml:" + wrong.expected)
    }

    @Test(
        "end in a message, whatever they are made of",
        arguments: [
            String(repeating: "[", count: 200_000), String(repeating: "{a: ", count: 200_000),
            String(repeating: "- ", count: 200_000), String(repeating: "? ", count: 200_000),
            String(repeating: "&a ", count: 1000), String(repeating: "a: ", count: 1000),
            "x-0: &a0 [1,1,1,1,1,1,1,1,1]\n"
                + (1...12).map {
                    "x-\($0): &a\($0) [" + Array(repeating: "*a\($0 - 1)", count: 9).joined(separator: ",") + "]\n"
                }
                .joined(),
            "x-0: &a0 {k: v}\n"
                + (1...100).map { "x-\($0): &a\($0) {k: *a\($0 - 1)}\n" }.joined(),
            "x: &a [*a]\n", "x: &a\n  <<: *a\n", "<<: 5\n", "services: {a: {image: x, build: {ssh: [[]]}}}",
            "services: {a: {<<: [{image: x}, 5]}}", "\u{FEFF}services: [\n", "services: {a: {image: \"\\ud800\"}}",
            "services:\n" + (0..<200).map { "  s\($0): {extends: s\($0 + 1)}\n" }.joined(),
            "services: {a: {image: x, scale: 99999999999999999999, pids_limit: 1e999, ports: ['1-65535:1-65534']}}",
        ]
    )
    func hostile(text: String) throws {
        let directory = try ProjectDirectory(["compose.yaml": text])
        #expect(directory.failure().contains("error: "))
    }

    @Test("are not read without end where each includes others")
    func inclusions() throws {
        var files = ["compose.yaml": "include: [f0.yaml, f0.yaml]\n"]
        for index in 0..<30 { files["f\(index).yaml"] = "include: [f\(index + 1).yaml, f\(index + 1).yaml]\n" }
        files["f30.yaml"] = "services: {a: {image: x}}\n"
        #expect(try ProjectDirectory(files).failure() == "the project has more than 1000 files\n")
    }

    @Test("may have a chain of dependencies of any length")
    func chain() throws {
        let services = (0..<5000).map { "  s\($0): {image: x, links: [s\($0 + 1)]}\n" }.joined()
        let directory = try ProjectDirectory(["compose.yaml": "services:\n" + services + "  s5000: {image: x}\n"])
        #expect(directory.failure() == "")
    }
}
