internal import Foundation
internal import Testing

/// Keeps the house in the shape that `docs/architecture.md` draws.
@Suite("The targets")
struct DependencyRulesTests {
    private let graph: [String: Set<String>]
    private let document: String

    init() throws {
        graph = try Self.manifest.get().graph
        document = try String(
            contentsOf: Manifest.repository.appendingPathComponent("docs/architecture.md"),
            encoding: .utf8
        )
    }

    private static let manifest = Result { try Manifest.load() }

    /// What any target may import without declaring it: the system's own modules.
    private static let system: Set<String> = ["Glibc", "Synchronization", "Swift"]

    /// Foundation costs start-up time and brings a second vocabulary for files; JSON is the one reason for it.
    private static let mayUseFoundation: Set<String> = ["OCI"]

    @Test("do not depend on each other in circles")
    func acyclic() {
        var rest = graph
        while !rest.isEmpty {
            let ready = rest.filter { target in target.value.allSatisfy { rest[$0] == nil } }.keys
            guard !ready.isEmpty else {
                Issue.record("these depend on each other in a circle: \(rest.keys.sorted())")
                return
            }
            ready.forEach { rest[$0] = nil }
        }
    }

    @Test("are those of the table in docs/architecture.md, with the same dependencies")
    func table() {
        var documented: [String: Set<String>] = [:]
        for line in document.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 2 else { continue }
            documented[Self.quoted(cells[0])[0]] = Set(Self.quoted(cells[1]))
        }
        #expect(Set(documented.keys) == Set(graph.keys))
        for (target, dependencies) in graph {
            #expect(documented[target] == dependencies, "\(target)")
        }
    }

    @Test("stand in the picture of docs/architecture.md above everything that they use")
    func picture() throws {
        let picture = try #require(document.components(separatedBy: "```").first { $0.hasPrefix("text\n") })
        var rows: [String: Int] = [:]
        for (row, line) in picture.split(separator: "\n").enumerated() {
            for word in line.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) where graph[String(word)] != nil {
                #expect(rows[String(word)] == nil, "\(word) is drawn twice")
                rows[String(word)] = row
            }
        }
        for (target, dependencies) in graph {
            let row = try #require(rows[target], "\(target) is not drawn")
            for dependency in dependencies {
                guard let lower = rows[dependency] else { continue }
                #expect(row < lower, "\(target) uses \(dependency)")
            }
        }
    }

    @Test("have a paragraph each in docs/architecture.md")
    func paragraphs() {
        for target in graph.keys {
            #expect(document.contains("\n**\(target)** "), "\(target)")
        }
    }

    @Test("import only what they declare")
    func imports() throws {
        for (target, dependencies) in graph {
            for (file, modules) in try Self.imports(of: target) {
                let allowed = dependencies.union(Self.system).union(
                    Self.mayUseFoundation.contains(target) ? ["Foundation", "FoundationEssentials"] : []
                )
                #expect(
                    modules.subtracting(allowed).isEmpty,
                    "\(file) imports \(modules.subtracting(allowed).sorted())"
                )
            }
        }
    }

    @Test("use what they declare")
    func declarations() throws {
        for (target, dependencies) in graph where !dependencies.isEmpty {
            let used = try Self.imports(of: target).values.reduce(Set()) { $0.union($1) }
            #expect(
                dependencies.subtracting(used).isEmpty,
                "\(target) does not use \(dependencies.subtracting(used).sorted())"
            )
        }
    }

    @Test("have files of fewer than 400 lines")
    func fileLength() throws {
        for target in graph.keys {
            for file in Self.files(of: target) {
                let lines = try String(contentsOf: file, encoding: .utf8).split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                )
                #expect(lines.count <= 401, "\(file.lastPathComponent) has \(lines.count - 1) lines")
            }
        }
    }

    @Test("have functions of at most 60 lines")
    func functionLength() throws {
        for target in graph.keys {
            for file in Self.files(of: target) {
                let function = file.pathExtension == "swift" ? /\b(?:func|init|deinit|subscript|var|get|set)\b/ : /\w\(/
                // In formatted text a block ends with the brace below the first letter of the line that began it.
                var beginnings: [Int: (number: Int, text: Substring)] = [:]
                let lines = try String(contentsOf: file, encoding: .utf8).split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                )
                for (number, line) in lines.enumerated() where !line.isEmpty {
                    let indent = line.prefix { $0 == " " }.count
                    let text = line.dropFirst(indent)
                    if text.hasPrefix("}") {
                        guard let beginning = beginnings[indent], number - beginning.number >= 60,
                            beginning.text.contains(function)
                        else { continue }
                        Issue.record(
                            """
                            \(file.lastPathComponent):\(beginning.number + 1) has \(number - beginning.number + 1) lines: \
                            \(beginning.text)
                            """
                        )
                    } else if ![")", "{", "-", "#"].contains(text.prefix(1)), !text.hasSuffix(":") {
                        // Neither the rest of a signature nor what C has at the left edge: directives and labels.
                        beginnings[indent] = (number, text)
                    }
                }
            }
        }
    }

    private static func files(of target: String) -> [URL] {
        let directory = Manifest.repository.appendingPathComponent("Sources/\(target)")
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter { ["swift", "c", "h"].contains($0.pathExtension) }
    }

    /// The modules that each Swift file of a target imports, by file name.
    private static func imports(of target: String) throws -> [String: Set<String>] {
        var imports: [String: Set<String>] = [:]
        for file in files(of: target) where file.pathExtension == "swift" {
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(of: "import"), keyword <= 2, words.count > keyword + 1,
                    words[..<keyword].allSatisfy({
                        $0.hasPrefix("@") || ["public", "internal", "package", "private", "fileprivate"].contains($0)
                    })
                else { continue }
                // `import struct Foundation.Date` names its kind first.
                let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "let", "var"]
                let module = kinds.contains(words[keyword + 1]) ? words[keyword + 2] : words[keyword + 1]
                imports[target + "/" + file.lastPathComponent, default: []].insert(String(module.prefix { $0 != "." }))
            }
        }
        return imports
    }

    /// The words of a table's cell that stand between backticks.
    private static func quoted(_ cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}
