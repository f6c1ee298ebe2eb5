internal import Foundation
internal import Testing

/// What `Semantics/AREA/CASE/expected` says; `Semantics/README.md` has the lines that there are.
struct SemanticExpectation: Sendable {
    private(set) var status: Int32 = 0
    private(set) var errors: [String] = []
    private(set) var warnings: [String] = []
    private(set) var forbidsWarnings = false
    /// Paths into the configuration.
    private var members: [(path: String, value: JSON)] = []
    /// `nil` when the files are not looked at.
    private var listing: [String]?
    private var texts: [(path: String, text: JSON)] = []
    private var attributes: [(path: String, name: String, value: JSON)] = []
    private var layerCount: Int?

    var looksAtImage: Bool {
        listing != nil || layerCount != nil || !members.isEmpty || !texts.isEmpty || !attributes.isEmpty
    }

    /// - Throws: `TestFailure` for a line that is none of the known ones.
    init(parsing text: String) throws {
        var status: Int32?
        for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
            func unknown() -> TestFailure { TestFailure("`expected` has a line that means nothing: \(line)") }
            guard let blank = line.firstIndex(of: " ") else { throw unknown() }
            let word = line[..<blank]
            let rest = String(line[line.index(after: blank)...])
            switch word {
            case "exit":
                guard let number = Int32(rest), status == nil else { throw unknown() }
                status = number
            case "error": errors.append(rest)
            case "warning" where rest == "none": forbidsWarnings = true
            case "warning": warnings.append(rest)
            case "file": listing = (listing ?? []) + (rest == "none" ? [] : [rest])
            case "layers":
                guard let number = Int(rest) else { throw unknown() }
                layerCount = number
            default:
                guard let equals = line.range(of: " = "),
                    let value = try? JSONDecoder().decode(JSON.self, from: Data(line[equals.upperBound...].utf8))
                else { throw unknown() }
                let words = line[..<equals.lowerBound].split(separator: " ", maxSplits: 2).map(String.init)
                switch (words[0], words.count) {
                case ("text", 2...): texts.append((words.dropFirst().joined(separator: " "), value))
                case ("xattr", 3): attributes.append((words[1], words[2], value))
                case (_, 1): members.append((words[0], value))
                default: throw unknown()
                }
            }
        }
        self.status = status ?? (errors.isEmpty ? 0 : 1)
        guard looksAtImage || self.status != 0 || forbidsWarnings || !warnings.isEmpty else {
            throw TestFailure("`expected` expects nothing")
        }
        guard self.status == 0 || !errors.isEmpty else {
            throw TestFailure("`expected` does not say which error there is")
        }
        guard !looksAtImage || self.status == 0 else {
            throw TestFailure("`expected` wants both an image and an error")
        }
    }

    /// The warnings in what a build said, each with its excerpt.
    static func warnings(in transcript: String) -> [String] {
        var warnings: [String] = []
        var isOpen = false
        for line in transcript.split(separator: "\n") {
            if line.contains("warning:") {
                warnings.append(String(line))
                isOpen = true
            } else if isOpen, line.hasPrefix("  ") || line.hasPrefix("hint:") {
                warnings[warnings.count - 1] += "\n" + line
            } else {
                isOpen = false
            }
        }
        return warnings
    }

    /// Compares an image with what is expected of it.
    ///
    /// - Parameter base: the files of the image `base`, which are not listed again where an image starts from it.
    func check(_ image: BuiltImage, on base: [String: TarEntry]) {
        for (path, value) in members {
            var actual = image.configuration
            for name in path.split(separator: ".").map(String.init) {
                actual = Int(name).map { actual[$0 < 0 ? actual.elements.count + $0 : $0] } ?? actual[name]
            }
            #expect(actual == value, "\(path)\n\(image.transcript)")
        }
        if let layerCount { #expect(image.layers.count == layerCount, "layers\n\(image.transcript)") }
        let tree = image.tree
        if let listing {
            let base = tree["/bin/busybox"] == nil ? [:] : base
            let changed = tree.values.filter { entry in
                guard let below = base[entry.path] else { return true }
                return below.listing != entry.listing || below.content != entry.content
                    || below.records != entry.records
            }
            let lines =
                changed.map { ($0.path, $0.listing) }
                + base.keys.filter { tree[$0] == nil }.map { ($0, "removed \($0)") }
            let actual = lines.sorted { $0.0 < $1.0 }.map(\.1)
            let shown = actual.map { "file \($0)" }.joined(separator: "\n")
            #expect(actual.sorted() == listing.sorted(), "the files are\n\(shown)\n\(image.transcript)")
        }
        for (path, text) in texts {
            guard tree[path] != nil else {
                Issue.record("\(path) is not in the image\n\(image.transcript)")
                continue
            }
            #expect((try? image.text(path)).map { JSON.string($0) } == text, "\(path)")
        }
        for (path, name, value) in attributes {
            let actual = tree[path]?.records["SCHILY.xattr." + name].map { JSON.string($0) } ?? .null
            #expect(actual == value, "\(path) \(name)")
        }
    }
}
