public import Reporting
public import SystemPackage

/// A project: its services in the order in which they start, and what they share.
public struct Project: Sendable {
    public let name: ProjectName
    /// What relative paths began at.
    public let directory: FilePath
    /// The variables that the files were read with.
    public let variables: [String: String]
    /// Each behind those that it depends on; otherwise by name.
    public let services: [Service]
    /// Services that are not asked for, with whose images the builds of others begin.
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
        variables = resolved.variables
        let hashes = Dictionary(resolved.hashes.map { ($0.service, $0.digits) }) { $1 }
        let all = document.members("services").map { Service($0, $1, hash: hashes[$0] ?? "") }
        builders = resolved.builders.entries.map { Service($0.key, Fields($0.value, problems), hash: "") }
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
