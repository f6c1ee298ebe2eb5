internal import Reporting
internal import SystemPackage

/// Reads a set of files into one: each interpolated, in full form, with its inclusions and extensions, then laid over
/// each other.
struct FileLoader {
    let reading: FileReading
    let variables: [String: String]
    /// What relative paths begin at.
    let directory: FilePath
    /// The files that are being read, from the outermost inclusion on.
    var including: [(path: FilePath, place: Place?)] = []

    private var options: ProjectOptions { reading.options }

    /// - Throws: `DiagnosticsError`, `UserError`.
    func load(_ names: [String], in base: FilePath, at place: Place? = nil) throws -> Node? {
        var result: Node?
        for name in names {
            let file = try reading.read(name, in: name == "-" ? directory : base, at: place)
            var inner = self
            inner.including.append((file.path, place))
            for document in try YAMLReader.documents(of: file) where !document.isNull {
                var node = try canonical(document, file)
                node = try inner.including(node, in: base)
                node = try Extension(loader: self, file: file, services: node["services"]?.mapping ?? NodeMapping())
                    .apply(to: node)
                result = Merging.project(result ?? Node(.mapping(NodeMapping()), at: node.place), node)
            }
        }
        // Only now, since any of the files may have had it.
        return result?.updating("services.*.build") { build in
            guard build["context"] == nil else { return build }
            let context = options.resolvesPaths ? directory.string : "."
            return build.setting("context", Node(.string(context), at: build.place))
        }
    }

    /// One document in full form, with absolute paths.
    func canonical(_ document: Node, _ file: SourceFile) throws -> Node {
        let problems = reading.problems
        guard document.mapping != nil else {
            throw problems.fail("the file is \(document.typeName): expected a mapping", at: document.place)
        }
        var node = LegacyFormat.upgraded(document)
        if options.interpolates { node = reading.interpolated(node, variables) }
        let canonicalizer = Canonicalizer(problems: problems, interpolates: options.interpolates)
        guard let result = canonicalizer.canonical(node, .record(Specification.project), "") else {
            throw problems.fail("the file cannot be read", at: node.place)
        }
        // What is wrong with values would be told once more by everything that follows from them.
        try problems.check()
        node = LegacyFormat.withoutOldKeys(result)
        guard options.resolvesPaths else { return node }
        return PathResolution(directory: directory, home: options.variables["HOME"]).apply(to: node)
    }

    /// With what the file includes below it.
    private func including(_ node: Node, in base: FilePath) throws -> Node {
        guard let list = node["include"]?.list else { return node.removing("include") }
        var result = node.removing("include")
        for inclusion in list {
            guard let included = try include(inclusion) else { continue }
            for key in ["services", "networks", "volumes", "secrets", "configs"] {
                guard let from = included[key] else { continue }
                let own = result[key] ?? Node(.mapping(NodeMapping()), at: from.place)
                let merged = Merging.merge(
                    from,
                    own,
                    Specification.project[key]?.shape ?? .anything,
                    .natural
                )
                result = result.setting(key, merged)
            }
        }
        return result
    }

    private func include(_ inclusion: Node) throws -> Node? {
        let problems = reading.problems
        let names = inclusion["path"]?.list?.compactMap(\.string) ?? []
        guard let first = names.first else { return nil }
        let main = directory.pushing(FilePath(first)).lexicallyNormalized()
        guard including.count < YAMLReader.deepest else {
            throw problems.fail("more than \(YAMLReader.deepest) files include each other", at: inclusion.place)
        }
        if let index = including.firstIndex(where: { $0.path == main }) {
            let circle = including[index...].map { "`\($0.path.lastComponent?.string ?? "")`" } + ["`\(first)`"]
            throw problems.fail(
                "files include each other in a circle: \(circle.joined(separator: " → "))",
                at: inclusion.place
            )
        }
        let own = inclusion["project_directory"]?.string.map { directory.pushing(FilePath($0)).lexicallyNormalized() }
        let project = own ?? main.removingLastComponent()
        var files = inclusion["env_file"]?.list?.compactMap(\.string).filter { $0 != "/dev/null" } ?? []
        var environment = directory
        if inclusion["env_file"] == nil, EnvironmentPresence.isFile(project.appending(".env")) {
            (files, environment) = ([".env"], project)
        }
        let inner = FileLoader(
            reading: reading,
            variables: try ProjectVariables.merged(variables, files, in: environment),
            directory: project,
            including: including
        )
        return try inner.load(names, in: directory, at: inclusion.place)
    }
}
