internal import FileSystem
internal import Reporting
internal import SystemPackage

/// Lays services over those that they extend, of the same file or another.
struct Extension {
    private let loader: FileLoader
    private let file: SourceFile
    private let services: NodeMapping
    /// The services that are being extended, from the first on.
    private let chain: [(file: FilePath, service: String)]

    init(loader: FileLoader, file: SourceFile, services: NodeMapping, chain: [(file: FilePath, service: String)] = []) {
        self.loader = loader
        self.file = file
        self.services = services
        self.chain = chain
    }

    func apply(to node: Node) throws -> Node {
        guard services.entries.contains(where: { $0.value["extends"] != nil }) else { return node }
        var result = services
        for entry in services.entries where entry.value["extends"] != nil {
            result.set(entry.key, try extended(entry.key, entry.value), at: entry.place)
        }
        guard let all = node["services"] else { return node }
        return node.setting("services", all.with(.mapping(result)))
    }

    private func extended(_ name: String, _ service: Node) throws -> Node {
        guard let extends = service["extends"], extends.tag != .reset, let wanted = extends["service"],
            let base = wanted.string
        else { return service.removing("extends") }
        let problems = loader.reading.problems
        if let first = chain.firstIndex(where: { $0.file == file.path && $0.service == name }) {
            let circle = chain[first...].map { "`\($0.service)`" } + ["`\(name)`"]
            throw problems.fail(
                "services extend each other in a circle: \(circle.joined(separator: " → "))",
                at: extends.place
            )
        }
        guard chain.count < YAMLReader.deepest else {
            throw problems.fail("more than \(YAMLReader.deepest) services extend each other", at: extends.place)
        }
        let inner = chain + [(file.path, name)]
        let origin: Extension
        if let other = extends["file"]?.string {
            origin = try self.origin(other, extends["file"]?.place ?? extends.place, chain: inner)
        } else {
            origin = Extension(loader: loader, file: file, services: services, chain: inner)
        }
        guard let found = origin.services[base] else {
            let nearest = SpellingSuggestion.closest(to: base, in: origin.services.entries.map(\.key))
            let place = extends["file"] == nil ? "" : " in `\(origin.file.text.name)`"
            throw problems.fail(
                "service `\(name)` extends `\(base)`, which does not exist\(place)",
                at: wanted.place,
                label: nearest.map { "did you mean `\($0)`?" }
            )
        }
        let below = found["extends"] == nil ? found : try origin.extended(base, found)
        return Merging.service(Merging.stripped(below), service.removing("extends"))
    }

    /// The services of another file, whose paths are relative to it.
    private func origin(_ name: String, _ place: Place, chain: [(file: FilePath, service: String)]) throws -> Extension
    {
        let directory = file.path.removingLastComponent()
        let other = try loader.reading.read(name, in: directory, at: place)
        let below = FileLoader(
            reading: loader.reading,
            variables: loader.variables,
            directory: other.path.removingLastComponent(),
            including: loader.including
        )
        let services: Node?
        if let known = loader.reading.extended[other.path.string] {
            services = known
        } else {
            let documents = try YAMLReader.documents(of: other)
            services = try documents.first.flatMap { try below.canonical($0, other)["services"] }
            loader.reading.extended[other.path.string] = services
        }
        return Extension(loader: below, file: other, services: services?.mapping ?? NodeMapping(), chain: chain)
    }
}

/// Whether files are there.
enum EnvironmentPresence {
    static func isFile(_ path: FilePath) -> Bool { FileStatus.ifPresent(path).map { $0.kind != .directory } ?? false }
}
