internal import SystemPackage
internal import Testing

/// What a case of the language needs of the machine, read from the case itself.
enum SemanticNeed: String, Sendable, CaseIterable {
    /// Anybody may build it.
    case nothing
    /// The image `base`, which is made of busybox.
    case base
    /// Processes are started, which takes root and the base.
    case processes

    /// - Parameter texts: The Dockerfiles and the arguments; whatever might be a `RUN` or the image counts as one.
    init(of texts: [String]) {
        var need = SemanticNeed.nothing
        for line in texts.flatMap({ $0.split(whereSeparator: \.isNewline) }) where !line.hasPrefix("#") {
            let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" }
            if words.contains(where: { $0.lowercased() == "run" }) {
                self = .processes
                return
            }
            if words.contains("base") { need = .base }
        }
        self = need
    }
}

@Suite("What a case of the language needs")
struct SemanticNeedTests {
    @Test(
        "is read from it",
        arguments: [
            ("FROM scratch\nCOPY a /", SemanticNeed.nothing), ("# RUN of base\nFROM scratch", .nothing),
            ("FROM base\nCOPY a /", .base), ("FROM scratch\nCOPY --from=base /bin /", .base),
            ("FROM scratch\nONBUILD RUN true", .processes), ("from base\nrun true", .processes),
            ("FROM scratch\nLABEL base-name=running", .nothing), ("FROM base AS b\r\nRUN <<X\r\n", .processes),
        ]
    )
    func need(text: String, expected: SemanticNeed) {
        #expect(SemanticNeed(of: [text]) == expected)
    }

    @Test("is nothing at all for most of them", .enabled(if: SemanticCase.isWhole, "SEMANTICS selects some"))
    func most() {
        let cases = SemanticNeed.allCases.map { SemanticCase.all(needing: $0).count }
        #expect(cases.allSatisfy { $0 > 0 })
        #expect(cases[0] > cases[1] + cases[2], "\(cases)")
    }
}
