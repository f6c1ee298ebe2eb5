public import Reporting
public import SystemPackage

/// The files of a project as one, in full form: what `compose config` prints.
public struct ResolvedProject {
    /// The whole, of which the parts of `Project` are made.
    public private(set) var document: Node
    public let name: ProjectName
    /// What relative paths begin at.
    public let directory: FilePath
    /// The files that were read, the first ones being those of the command line.
    public let files: [FilePath]
    /// The variables that the files were read with.
    public let variables: [String: String]
    /// Services that are not asked for, and build what others begin with or run.
    let builders: NodeMapping
    /// The profiles that services name, in order.
    public let profiles: [String]
    /// All services of the files, also those that are not asked for or whose profiles are not active.
    public let declaredServices: Set<String>
    public let warnings: [DiagnosticsError]
    /// Of files that were there beside those that are taken.
    public let notes: [String]

    /// - Throws: `DiagnosticsError` for what is wrong in a file, `UserError` for what is wrong elsewhere.
    public init(_ options: ProjectOptions, keepsUnused: Bool = false) throws {
        var options = options
        var variables = try ProjectVariables.load(options)
        let discovery = try FileDiscovery(options, variables: variables)
        if discovery.files.contains("-") {
            let input = try options.standardInput()
            options.standardInput = { input }
        }
        let given = try ProjectName.chosen(options, variables: variables)
        variables["COMPOSE_PROJECT_NAME"] = given?.text
        var (reading, loaded) = try Self.load(options, discovery, variables)
        let name = try given ?? Self.name(of: loaded, discovery.directory, reading.problems)
        if given == nil {
            variables["COMPOSE_PROJECT_NAME"] = name.text
            // A name in a file is a variable of the files, so they are read once more where one may use it.
            if reading.files.contains(where: { Self.usesName($0) }) {
                (reading, loaded) = try Self.load(options, discovery, variables)
            }
        }
        let problems = reading.problems
        profiles = Self.profiles(of: loaded)
        let named =
            options.profiles.isEmpty
            ? (variables["COMPOSE_PROFILES"] ?? "").split(separator: ",").map { $0.trimming() } : options.profiles
        if options.normalizes { loaded = Normalization(name: name, variables: variables).apply(to: loaded) }
        declaredServices = Set(loaded["services"]?.mapping?.entries.map(\.key) ?? [])
        let selection = Selection(problems: problems, profiles: Set(named), services: options.services)
        let (selected, inactive) = try selection.apply(to: loaded)
        builders = Selection.builders(for: selected, among: loaded)
        loaded = selected
        if options.checksConsistency, options.interpolates {
            try Consistency(problems: problems, project: loaded, builders: builders, inactive: inactive).check()
        }
        if !keepsUnused { loaded = Selection.withoutUnused(loaded, builders: builders) }
        if options.resolvesEnvironmentFiles, options.interpolates {
            loaded = try ServiceFiles(problems: problems, variables: variables).apply(to: loaded)
        }
        try problems.check()
        document = loaded
        self.name = name
        self.variables = variables
        directory = discovery.directory
        files = reading.files.map(\.path)
        warnings = problems.reports
        notes = discovery.notes
    }

    private static func load(
        _ options: ProjectOptions,
        _ discovery: FileDiscovery,
        _ variables: [String: String]
    ) throws -> (FileReading, Node) {
        let reading = FileReading(options)
        let loader = FileLoader(reading: reading, variables: variables, directory: discovery.directory)
        guard let node = try loader.load(discovery.files, in: options.workingDirectory) else {
            throw UserError("the Compose file `\(reading.files.first?.text.name ?? "")` is empty")
        }
        try reading.problems.check()
        return (reading, node)
    }

    private static func usesName(_ file: SourceFile) -> Bool {
        String(decoding: file.text.bytes, as: UTF8.self).contains("COMPOSE_PROJECT_NAME")
    }

    private static func name(of project: Node, _ directory: FilePath, _ problems: ProblemList) throws -> ProjectName {
        if let node = project["name"], let text = node.string, !text.isEmpty {
            // Docker takes what of it is allowed.
            if let name = ProjectName(reducing: text) { return name }
            throw problems.fail("invalid project name `\(text)`", at: node.place)
        }
        let last = directory.lastComponent?.string ?? ""
        if let name = ProjectName(reducing: last) { return name }
        throw UserError(
            "no name for the project follows from the directory `\(directory)`",
            hints: ["`--project-name` or `name:` at the top of the file gives it one"]
        )
    }

    private static func profiles(of project: Node) -> [String] {
        let all = (project["services"]?.mapping?.entries ?? []).flatMap { $0.value["profiles"]?.list ?? [] }
        return Set(all.compactMap(\.string)).sorted()
    }

    /// The `image` of each service that has one.
    public var imageOfService: [String: String] {
        let services = document["services"]?.mapping?.entries ?? []
        return Dictionary(services.compactMap { entry in entry.value["image"]?.string.map { (entry.key, $0) } }) { $1 }
    }

    /// Gives services other images.
    public mutating func setImages(_ images: [String: String]) {
        for (service, image) in images {
            document = document.updating(["services", service, "image"]) { $0.with(.string(image)) }
        }
    }

    /// Keeps the images of the services and nothing else.
    public mutating func removeAllButImages() {
        guard let services = document["services"] else { return }
        var kept = NodeMapping()
        for entry in services.mapping?.entries ?? [] {
            guard let image = entry.value["image"] else { continue }
            var service = NodeMapping()
            service.set("image", image)
            kept.set(entry.key, entry.value.with(.mapping(service)), at: entry.place)
        }
        var project = NodeMapping()
        project.set("services", services.with(.mapping(kept)))
        document = document.with(.mapping(project))
    }
}
