import DockerfileSyntax
import Foundation
import Reporting
import Testing

/// A small reproducible generator (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private let seedText = """
    # syntax=docker/dockerfile:1
    ARG V=${X:-a}
    FROM --platform=$P alpine:${V##*/} AS base
    RUN --mount=type=cache,target=/x,"id=a" --network=none cat <<A 3<<-'B' \\
      # comment

      && echo ["x", "\\u00e9"]
    a $X
    A
    \tb
    \tB
    COPY --chown=1:2 --link ["a b", "/c"]
    COPY <<E /f
    ${A/b*\\/c/d}
    E
    ENV A=1 B="x y" C='z'
    HEALTHCHECK --interval=1m30.5s CMD ["x"]
    ONBUILD ADD --checksum=x http://a/b /c
    LABEL ä="日本"
    EXPOSE 80-90/tcp
    """

@Suite struct RobustnessTests {
    /// Parses and renders whatever comes of it; only a trap can make this fail.
    private func exercise(_ bytes: [UInt8]) {
        let source = SourceText(name: "Dockerfile", bytes: bytes)
        let renderer = DiagnosticRenderer(usesColour: true)
        _ = try? SyntaxDump(parsing: source)
        do {
            let dockerfile = try Dockerfile(parsing: source)
            _ = TreeDump.dump(dockerfile)
            let expander = WordExpander(escape: dockerfile.directives.escape) { $0 == "A" ? "value" : nil }
            for instruction in dockerfile.instructions {
                _ = try? expander.expand(Word(instruction.text, at: instruction.range))
            }
        } catch {
            _ = renderer.render(error)
        }
    }

    @Test("every prefix of a file is handled")
    func truncated() {
        let bytes = Array(seedText.utf8)
        for length in 0...bytes.count { exercise(Array(bytes[..<length])) }
    }

    @Test("mutated files are handled", arguments: 0..<20)
    func mutated(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        let original = Array(seedText.utf8)
        let interesting = Array("$\\{}<'\"[]=#\n\r\t -/:,`@\u{7F}".utf8) + [0, 0xFF, 0xC3, 0xEF]
        for _ in 0..<100 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = interesting.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = byte
                case 1: bytes.insert(byte, at: position)
                case 2: bytes.removeSubrange(position..<min(bytes.count, position + 5))
                default: bytes.insert(contentsOf: bytes[position..<min(bytes.count, position + 20)], at: position)
                }
                if bytes.isEmpty { bytes = original }
            }
            exercise(bytes)
        }
    }

    @Test("hostile shapes are handled")
    func hostile() {
        exercise(Array(("FROM a\nCMD " + String(repeating: "[", count: 60_000)).utf8))
        exercise(Array(("FROM a\nRUN x" + String(repeating: " \\\n", count: 50_000)).utf8))
        exercise(Array(("FROM a\nRUN " + String(repeating: "<<A ", count: 10_000)).utf8))
        exercise(Array(("FROM a\n" + String(repeating: "ONBUILD ", count: 8000)).utf8))
        exercise(Array(("FROM a\nRUN 99999999999999999999<<A\n").utf8))
        exercise(Array(("FROM a\nEXPOSE ${" + String(repeating: "A:-${", count: 10_000)).utf8))
        exercise([UInt8](repeating: 0, count: 100_000))
    }

    @Test(
        "a word of a megabyte is expanded, or refused, in a moment",
        arguments: [
            String(repeating: "$A", count: 500_000), String(repeating: "${A:-", count: 160_000),
            String(repeating: "'a'\"b\"", count: 100_000), String(repeating: "${A##*a*a*a*b}", count: 60_000),
            "${A//*/x}${A//${A%a}b/x}", "${A//$E/x}", "${A#" + String(repeating: "*", count: 400_000) + "b}",
            String(repeating: "${A//a/bbbbbbbbbb}", count: 10_000),
        ]
    )
    func words(text: String) {
        let value = String(repeating: "a", count: 300_000)
        let expander = WordExpander { $0 == "A" ? value : $0 == "E" ? "" : nil }
        let time = ContinuousClock().measure {
            _ = try? expander.expand(Word(text, at: SourceRange(0, text.utf8.count)))
        }
        // Debug builds on a busy machine; this is to notice what takes the square of the length.
        #expect(time < .seconds(20))
    }

    @Test("ten thousand lines parse quickly")
    func large() throws {
        let text = "FROM a\n" + String(repeating: "RUN echo \"hello\" && \\\n  true\nENV A=1 B=\"x y\"\n", count: 4000)
        let clock = ContinuousClock()
        let time = try clock.measure { _ = try Dockerfile(parsing: SourceText(name: "Dockerfile", text: text)) }
        // Debug builds take ten times as long; this is to notice quadratic work.
        #expect(time < .seconds(5))
    }
}
