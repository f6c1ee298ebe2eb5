import Foundation
import SystemPackage
import Testing

@Suite("compose config")
struct ComposeConfigTests {
    @Test("prints the project, or what was asked for of it")
    func prints() async throws {
        try await BuildFixture.with { f in
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web: {image: "web:${TAG:-1}", depends_on: [db], volumes: [data:/d]}
                  db: {build: ./db}
                  debug: {image: debug, profiles: [debug]}
                volumes: {data: }
                """
            )
            let text = try await f.succeed("compose", "config").outputText
            #expect(
                text.hasPrefix("name: shop\nservices:\n  db:\n    build:\n      context: \(f.context)/db\n"),
                "\(text)"
            )
            for (flags, expected) in [
                (["--services"], "db\nweb\n"), (["--images"], "shop-db\nweb:1\n"), (["--volumes"], "data\n"),
                (["--networks"], "default\n"), (["--profiles"], "debug\n"), (["--quiet"], ""),
                (["--images", "db"], "shop-db\n"),
            ] {
                let output = try await f.start(["compose", "config"] + flags).wait()
                #expect(output.outputText == expected, "\(flags)")
            }
            let hashes = try await f.succeed("compose", "config", "--hash", "*").outputText
            #expect(hashes.split(separator: "\n").map(\.count) == [67, 68])
            let other = f.scratch.appending("out.json")
            _ = try await f.succeed("compose", "config", "--format", "json", "-o", other.string)
            let again = try await f.succeed("compose", "-f", other.string, "config").outputText
            #expect(again == text)
        }
    }

    @Test("says what is wrong, at its place, and ends with 1; with 2 for wrong use")
    func wrong() async throws {
        try await BuildFixture.with { f in
            try f.write("compose.yaml", "services:\n  web:\n    imgae: x\n")
            let result = try await f.swiftbuild("compose", "config", "-q")
            #expect(result.status == 1)
            #expect(result.outputText == "")
            #expect(result.errors.contains("compose.yaml:3:5: error: unknown key `imgae` in `services.web`"))
            #expect(result.errors.contains("did you mean `image`?"))
            #expect(try await f.swiftbuild("compose", "confg").status == 2)
            #expect(try await f.swiftbuild("compose", "publish").status == 2)
        }
    }

    @Test("prints the variables that the files use")
    func variables() async throws {
        try await BuildFixture.with { f in
            try f.write(
                "compose.yaml",
                #"""
                services:
                  a: {image: "a:${TAG:-1}$PLAIN", command: "${NEED:?say ${INNER-x}} ${SET+y} $$NOT", user: "${TAG}"}
                """#
            )
            let table = try await f.succeed("compose", "config", "--variables").outputText
            let rows = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(
                rows.dropFirst() == [
                    ["INNER", "false", "x"], ["NEED", "true"], ["PLAIN", "false"], ["SET", "false", "y"],
                    ["TAG", "false", "1"],
                ]
            )
            let json = try await f.succeed("compose", "config", "--variables", "--format", "json").outputText
            #expect(json.contains(#""TAG":{"DefaultValue":"1","Name":"TAG","PresenceValue":"","Required":false}"#))
        }
    }

    @Test("follows a version of Docker Compose, which `version` prints")
    func version() async throws {
        try await BuildFixture.with { f in
            let version = try await f.succeed("compose", "version", "--short").line
            #expect(try await f.succeed("compose", "version").outputText.contains("Docker Compose version v\(version)"))
            #expect(try await f.succeed("compose", "version", "-f", "json").line == "{\"version\":\"v\(version)\"}")
        }
    }

    @Test("reads standard input")
    func input() async throws {
        try await BuildFixture.with { f in
            let result = try await f.swiftbuild(
                "compose",
                "-p",
                "p",
                "-f",
                "-",
                "config",
                "--services",
                input: "services: {a: {image: x}}"
            )
            #expect(result.outputText == "a\n", "\(result.errors)")
        }
    }
}
