internal import ContentStore
internal import OCI

extension ResolvedProject {
    /// What `compose config` prints.
    ///
    /// - Parameter escapesDollars: Whether a dollar becomes `$$`, so that the text is a Compose file again.
    public func text(_ format: DocumentFormat, escapesDollars: Bool = true) -> String {
        var value = PrintedValue(document, .record(Specification.project), format)
        if case .object(var members) = value {
            if !members.contains(where: { $0.key == "services" }) { members.append(("services", .object([]))) }
            // Go sorts the keys of what is not a type of its own.
            if format == .json { members.sort { $0.key < $1.key } }
            value = .object(members)
        }
        let text = format == .json ? JSONText.indented(value) + "\n" : YAMLText.of(value)
        return escapesDollars ? text.replacing("$", with: "$$") : text
    }

    /// The digest of each service's configuration, in hexadecimal digits, by name: what decides whether a container
    /// is still the right one.
    public var hashes: [(service: String, digits: String)] { configurations.map { ($0.service, $0.value.hash) } }

    /// The configuration of each service; its hash is Docker Compose's: SHA-256 of the service's JSON without what does
    /// not concern a container.
    var configurations: [(service: String, value: ServiceConfiguration)] {
        let services = PrintedValue(document, .record(Specification.project), .json)["services"]
        guard case .object(let members)? = services else { return [] }
        return members.map { name, service in
            guard case .object(let fields) = service else { return (name, ServiceConfiguration(hash: "", values: [:])) }
            let left: Set<String> = ["build", "pull_policy", "scale", "depends_on", "profiles"]
            let kept = fields.filter { !left.contains($0.key) }.map { key, value in
                guard key == "deploy", case .object(let deploy) = value else { return (key: key, value: value) }
                return (key: key, value: PrintedValue.object(deploy.filter { $0.key != "replicas" }))
            }
            var values: [String: String] = [:]
            PrintedValue.object(kept).leaves(into: &values)
            let hash = SHA256Hasher.digest(of: Array(JSONText.compact(.object(kept)).utf8)).hex
            return (name, ServiceConfiguration(hash: hash, values: values))
        }
    }
}

extension ResolvedProject {
    /// The variables of the files, where these were read without replacing them.
    public var templateVariables: [TemplateVariable] { TemplateVariable.all(in: document) }

    /// The keys of a section, in order.
    public func names(in section: String) -> [String] {
        let entries = document[section]?.mapping?.entries ?? []
        return entries.map(\.key).filter { !$0.hasPrefix("x-") }.sorted()
    }

    /// The images of the services, each once, in the order of the services' names.
    public var images: [String] {
        names(in: "services").map { service in
            document["services"]?[service]?["image"]?.string ?? "\(name)-\(service)"
        }
    }
}
