import BuildChecks
import BuildContext
import BuildPlanning
import DockerfileSyntax
import Formatting
import Glibc
import Reporting

/// Feeds whatever libFuzzer makes up to one part of what reads what others wrote; only a trap, a hang or too much memory is a failure.
///
/// `make fuzz` builds it with `-sanitize=fuzzer` in all modules. The variable `FUZZ` names the part.
@main
enum Fuzzing {
    /// The parts that read what others wrote.
    enum Part: String, CaseIterable {
        /// A Dockerfile: syntax, planning, checks, and what users are told of it.
        case parser
        /// A word, the line `--`, and lines `NAME=value`.
        case expander
        /// A path, and the lines of an ignore file below it.
        case ignore
        /// What stands behind a keyword.
        case flags
        /// A file of the store.
        case records
        /// All bytes that a server sends.
        case http
        /// A field of a response's header.
        case fields
        /// `registries.conf`.
        case toml
        /// Files with logins, and the documents of registries and token servers.
        case json
    }

    static let part = getenv("FUZZ").flatMap { Part(rawValue: String(cString: $0)) } ?? .parser

    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            runDriver(&count, &arguments) { start, length in
                Fuzzing.take(Array(UnsafeBufferPointer(start: start, count: length)))
                return 0
            }
        )
    }

    static func take(_ bytes: [UInt8]) {
        switch part {
        case .parser: parser(bytes)
        case .expander: expander(bytes)
        case .ignore: ignore(bytes)
        case .flags: flags(bytes)
        case .records: StoreRecords.take(bytes)
        case .http: http(bytes)
        case .fields: fields(bytes)
        case .toml: toml(bytes)
        case .json: json(bytes)
        }
    }

    private static func parser(_ bytes: [UInt8]) {
        let source = SourceText(name: "Dockerfile", bytes: bytes)
        let renderer = DiagnosticRenderer(usesColour: true)
        _ = try? SyntaxDump(parsing: source)
        do {
            let dockerfile = try Dockerfile(parsing: source)
            // What a file means may grow with the product of its lines: `EXPOSE 0-65535` in each, or 16 triggers in each of
            // 1000 stages.
            guard bytes.count <= 1 << 14 else { return }
            let report = CheckReport(dockerfile, options: PlanOptions()) { _ in nil }
            for diagnostic in report.errors + report.warnings.map(\.diagnostic) {
                _ = renderer.render(diagnostic, in: source)
            }
        } catch {
            _ = renderer.render(error)
        }
    }

    private static func expander(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let end = lines.firstIndex { $0.elementsEqual([0x2D, 0x2D]) } ?? lines.count
        let text = String(decoding: Array(lines[..<end].joined(separator: [0x0A])), as: UTF8.self)
        var values: [String: String] = [:]
        for line in lines.dropFirst(end + 1) {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            values[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
        let word = Word(text, at: SourceRange(0, text.utf8.count))
        for escape in [UInt8(ascii: "\\"), UInt8(ascii: "`")] {
            let expander = WordExpander(escape: escape) { values[$0] }
            _ = (try? expander.expand(word))?.words
            _ = try? expander.expand(word, quoting: .literalQuotes)
        }
    }

    private static func ignore(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        // No path is longer (`PATH_MAX`), and matching takes time in proportion to path times lines.
        let path = Array(parts[0].prefix(4096))
        let lines = parts.count > 1 ? Array(parts[1]) : []
        _ = IgnoreFile.cleanedPatterns(in: lines)
        guard let file = try? IgnoreFile(parsing: SourceText(name: ".dockerignore", bytes: lines)) else { return }
        _ = file.decision(for: path)
        _ = file.matches(path)
        _ = file.exclusion(ofEverythingAt: path)
    }

    private static func flags(_ bytes: [UInt8]) {
        for keyword in ["RUN", "RUN --mount=", "COPY", "ADD", "FROM", "HEALTHCHECK", "ONBUILD RUN"] {
            let text = Array("FROM a\n\(keyword) ".utf8) + bytes
            _ = try? Dockerfile(parsing: SourceText(name: "Dockerfile", bytes: text))
        }
        let text = String(decoding: bytes, as: UTF8.self)
        _ = JSONArray.strings(in: text)
        _ = GoDuration.nanoseconds(text)
        _ = try? PortSpecification.ports(text, at: SourceRange(0, bytes.count))
        _ = GoText.quoted(text)
    }
}

/// libFuzzer as a library (llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library).
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
