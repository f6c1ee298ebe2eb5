import Compose
import Testing

@Suite("Files over each other")
struct MergeTests {
    struct Rule: Sendable, CustomTestStringConvertible {
        let name: String
        let base: String
        let over: String
        /// The lines of the service that follow `image`, without the default network.
        let expected: String

        var testDescription: String { name }
    }

    private static let rules: [Rule] = [
        Rule(name: "a scalar is replaced", base: "user: a", over: "user: b", expected: "user: b"),
        Rule(name: "what only one has stays", base: "user: a", over: "hostname: h", expected: "hostname: h user: a"),
        Rule(
            name: "mappings are merged",
            base: "environment: {A: '1', B: '2'}",
            over: "environment: {B: '3', C: '4'}",
            expected: #"environment: A: "1" B: "3" C: "4""#
        ),
        Rule(
            name: "lists of pairs are mappings",
            base: "labels: [a=1, b=2]",
            over: "labels: {b: x}",
            expected: #"labels: a: "1" b: x"#
        ),
        Rule(
            name: "lists are appended",
            base: "security_opt: [a]",
            over: "security_opt: [a, b]",
            expected: "security_opt: - a - a - b"
        ),
        Rule(
            name: "lists of names have each once",
            base: "cap_add: [A, B]",
            over: "cap_add: [B, C]",
            expected: "cap_add: - A - B - C"
        ),
        Rule(name: "a command is replaced", base: "command: a b", over: "command: [c]", expected: "command: - c"),
        Rule(
            name: "an entrypoint is replaced, also by an empty one",
            base: "entrypoint: [a, b]",
            over: "entrypoint: []",
            expected: "entrypoint: []"
        ),
        Rule(
            name: "the test of a health check is replaced, the rest merged",
            base: "healthcheck: {test: [CMD, a], retries: 3}",
            over: "healthcheck: {test: b, timeout: 2s}",
            expected: "healthcheck: test: - CMD-SHELL - b timeout: 2s retries: 3"
        ),
        Rule(
            name: "volumes are unique by target",
            base: "volumes: ['/a:/x', '/b:/y']",
            over: "volumes: ['/c:/x:ro']",
            expected: """
                volumes: - type: bind source: /c target: /x read_only: true bind: {} \
                - type: bind source: /b target: /y bind: {}
                """
        ),
        Rule(
            name: "ports are unique by all of what they are",
            base: "ports: ['80:80', '81:81']",
            over: "ports: ['80:80', '82:81', {target: 81, published: 81}]",
            expected: """
                ports: - mode: ingress target: 80 published: "80" protocol: tcp \
                - mode: ingress target: 81 published: "81" protocol: tcp \
                - mode: ingress target: 81 published: "82" protocol: tcp
                """
        ),
        Rule(
            name: "dependencies are merged in both forms",
            base: "depends_on: {d: {condition: service_healthy}}",
            over: "depends_on: [e]",
            expected: """
                depends_on: d: condition: service_healthy required: true \
                e: condition: service_started required: true
                """
        ),
        Rule(
            name: "a build in its short form is merged",
            base: "build: /a",
            over: "build: {args: {X: '1'}, target: t}",
            expected: #"build: context: /a dockerfile: Dockerfile args: X: "1" target: t"#
        ),
        Rule(
            name: "options of the same log driver are merged",
            base: "logging: {driver: local, options: {a: '1'}}",
            over: "logging: {options: {b: '2'}}",
            expected: #"logging: driver: local options: a: "1" b: "2""#
        ),
        Rule(
            name: "options of another log driver are replaced",
            base: "logging: {driver: local, options: {a: '1'}}",
            over: "logging: {driver: json-file, options: {b: '2'}}",
            expected: #"logging: driver: json-file options: b: "2""#
        ),
        Rule(
            name: "!reset removes",
            base: "user: a\nprivileged: true",
            over: "user: !reset null",
            expected: "privileged: true"
        ),
        Rule(
            name: "!reset removes a list and one of a mapping",
            base: "ports: ['80:80']\nenvironment: {A: '1', B: '2'}",
            over: "ports: !reset []\nenvironment: {A: !reset null}",
            expected: #"environment: B: "2""#
        ),
        Rule(
            name: "!override replaces",
            base: "cap_add: [A, B]\nenvironment: {A: '1'}",
            over: "cap_add: !override [C]\nenvironment: !override {B: '2'}",
            expected: #"cap_add: - C environment: B: "2""#
        ),
        Rule(
            name: "ulimits are replaced one by one",
            base: "ulimits: {nofile: 10, nproc: 5}",
            over: "ulimits: {nofile: {soft: 1, hard: 2}}",
            expected: "ulimits: nofile: soft: 1 hard: 2 nproc: 5"
        ),
        Rule(
            name: "secrets are unique by target",
            base: "secrets: [s]",
            over: "secrets: [{source: s, target: /run/secrets/s, mode: 0440}]",
            expected: #"secrets: - source: s target: /run/secrets/s mode: "0440""#
        ),
    ]

    private func service(_ text: String) -> String {
        text.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    @Test("follow the rules of the specification", arguments: rules)
    func merge(rule: Rule) throws {
        let needed = """
              d: {image: x, network_mode: none}
              e: {image: x, network_mode: none}
            secrets: {s: {file: /s}}
            """
        let directory = try ProjectDirectory([
            "a.yaml": "services:\n  web:\n    image: i\n    network_mode: none\n" + service(rule.base) + needed,
            "b.yaml": "services:\n  web:\n" + service(rule.over),
        ])
        let text = try directory.document { $0.files = ["a.yaml", "b.yaml"] }
        let lines = text.split(separator: "\n").drop { $0 != "  web:" }.dropFirst().prefix { $0.hasPrefix("    ") }
        let words = lines.filter { !["    image: i", "    network_mode: none"].contains($0) }
            .flatMap { $0.split(separator: " ") }
        #expect(words.joined(separator: " ") == rule.expected.split(separator: " ").joined(separator: " "))
    }

    @Test("are the same in one file of several documents")
    func documents() throws {
        let directory = try ProjectDirectory([
            "compose.yaml": "services: {a: {image: x, user: u}}\n---\nservices: {a: {image: y}, b: {image: z}}\n"
        ])
        let resolved = try directory.document()
        #expect(resolved.contains("image: \"y\"\n    networks:\n      default: null\n    user: u"), "\(resolved)")
        #expect(resolved.contains("  b:\n    image: z"))
    }
}
