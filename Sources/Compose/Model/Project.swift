internal import ContentStore
internal import OCI
public import Reporting
public import SystemPackage

/// A project: its services in the order in which they start, and what they share.
public struct Project: Sendable {
    public let name: ProjectName
    /// What relative paths began at.
    public let directory: FilePath
    public let files: [FilePath]
    /// The variables that the files were read with.
    public let variables: [String: String]
    /// Each behind those that it depends on; otherwise by name.
    public private(set) var services: [Service]
    /// All services of the files, also those that are not asked for or whose profiles are not active.
    public let declaredServices: Set<String>
    /// Services that are not asked for, and build what others begin with or run.
    public let builders: [Service]
    public let networks: [String: ProjectNetwork]
    public let volumes: [String: ProjectVolume]
    public let secrets: [String: FileSource]
    public let configs: [String: FileSource]

    /// - Throws: `DiagnosticsError` for what is only wrong in the eyes of one value's type.
    public init(_ resolved: ResolvedProject) throws(DiagnosticsError) {
        let problems = ProblemList()
        let document = Fields(resolved.document, problems)
        name = resolved.name
        directory = resolved.directory
        files = resolved.files
        variables = resolved.variables
        declaredServices = resolved.declaredServices
        let configurations = Dictionary(resolved.configurations.map { ($0.service, $0.value) }) { $1 }
        let all = document.members("services").map { name, fields in
            Service(name, fields, configurations[name] ?? ServiceConfiguration(hash: "", values: [:]))
        }
        builders = resolved.builders.entries.map {
            Service($0.key, Fields($0.value, problems), ServiceConfiguration(hash: "", values: [:]))
        }
        networks = Dictionary(document.members("networks").map { ($0, ProjectNetwork($1)) }) { $1 }
        volumes = Dictionary(document.members("volumes").map { ($0, ProjectVolume($1)) }) { $1 }
        secrets = Dictionary(
            document.members("secrets").compactMap { name, fields in FileSource(fields).map { (name, $0) } }
        ) { $1 }
        configs = Dictionary(
            document.members("configs").compactMap { name, fields in FileSource(fields).map { (name, $0) } }
        ) { $1 }
        try problems.check()
        let edges = all.map { ($0.name, $0.dependencies.map(\.service)) }
        guard case .order(let order) = DependencyOrder(edges) else {
            throw problems.fail("services depend on each other in a circle", at: resolved.document.place)
        }
        let byName = Dictionary(all.map { ($0.name, $0) }) { $1 }
        services = order.compactMap { byName[$0] }
        for index in services.indices {
            let more = surroundings(of: services[index])
            services[index].configuration = services[index].configuration.adding(more)
        }
    }

    /// What containers of a service depend on that its own part of the file does not say.
    private func surroundings(of service: Service) -> [String: String] {
        var result: [String: String] = [:]
        if case .networks(let attachments) = service.networking.mode {
            for attachment in attachments {
                result["networks.\(attachment.network).name"] = networks[attachment.network]?.name
            }
        }
        for mount in service.mounts {
            guard case .volume(let key?, _, _) = mount.source else { continue }
            result["volumes.\(key).name"] = volumes[key]?.name
        }
        for (kind, references, sources) in [
            ("configs", service.configs, configs), ("secrets", service.secrets, secrets),
        ] {
            for reference in references {
                let content: String? =
                    switch sources[reference.source] {
                    case .content(let text): text
                    case .variable(let name): variables[name]
                    case nil, .file: nil
                    }
                // Never the secret itself.
                result["\(kind).\(reference.source).content"] = content.map {
                    "\(SHA256Hasher.digest(of: Array($0.utf8)))"
                }
            }
        }
        return result
    }

    /// The same with only some of the services.
    public func keeping(_ names: Set<String>) -> Project {
        var project = self
        project.services = services.filter { names.contains($0.name) }
        return project
    }

    /// What the image of a service is called: `image`, or the name of project and service.
    public func image(of service: Service) -> String { service.image ?? "\(name)-\(service.name)" }

    /// The same of a service by its name, which may be one that is only built.
    public func image(ofService service: String) -> String {
        (self[service: service] ?? builders.first { $0.name == service }).map(image) ?? "\(name)-\(service)"
    }

    public subscript(service name: String) -> Service? { services.first { $0.name == name } }
}

/// A network of a project.
public struct ProjectNetwork: Sendable {
    public struct Pool: Sendable {
        public let subnet: String?
        public let gateway: String?
        public let range: String?
    }

    /// As the store knows it: `project_default`.
    public let name: String
    public let isExternal: Bool
    public let isInternal: Bool
    public let labels: [String: String]
    public let pools: [Pool]

    init(_ fields: Fields) {
        name = fields.text("name") ?? ""
        isExternal = fields.isOn("external")
        isInternal = fields.isOn("internal")
        labels = fields.texts("labels")
        pools = (fields.record("ipam")?.list("config") ?? []).map {
            Pool(subnet: $0.text("subnet"), gateway: $0.text("gateway"), range: $0.text("ip_range"))
        }
    }
}

/// A volume of a project.
public struct ProjectVolume: Sendable {
    /// As the store knows it: `project_data`.
    public let name: String
    public let isExternal: Bool
    public let labels: [String: String]

    init(_ fields: Fields) {
        name = fields.text("name") ?? ""
        isExternal = fields.isOn("external")
        labels = fields.texts("labels")
    }
}

/// Where the content of a secret or config is.
public enum FileSource: Sendable, Equatable {
    case file(FilePath)
    /// The variable with the content.
    case variable(String)
    case content(String)

    init?(_ fields: Fields) {
        if let path = fields.text("file") {
            self = .file(FilePath(path))
        } else if let name = fields.text("environment") {
            self = .variable(name)
        } else if let text = fields.text("content") {
            self = .content(text)
        } else {
            return nil
        }
    }
}
