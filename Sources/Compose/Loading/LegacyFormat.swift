/// Files of the formats 1 to 3, as files of the specification.
enum LegacyFormat {
    private static let sections: Set<String> = Set(Specification.project.fields.map(\.name))

    /// Format 1 has services and nothing else at the top.
    static func upgraded(_ document: Node) -> Node {
        guard let mapping = document.mapping, !mapping.entries.isEmpty else { return document }
        let services = mapping.entries.filter { !$0.key.hasPrefix("x-") }
        let isFirst =
            !services.isEmpty
            && services.allSatisfy { entry in
                let keys: Set<String> = Set(entry.value.mapping?.entries.map(\.key) ?? [])
                return !sections.contains(entry.key) && !keys.isDisjoint(with: ["image", "build", "extends"])
            }
        guard isFirst else { return document }
        var result = NodeMapping()
        result.set("services", Node(.mapping(mapping), at: document.place))
        return document.with(.mapping(result))
    }

    /// The keys of services that were renamed since.
    static func withoutOldKeys(_ file: Node) -> Node {
        let result = file.removing("version").updating("services.*") { service in
            var service = service
            if let dockerfile = service["dockerfile"] {
                let build = service["build"] ?? dockerfile.with(.mapping(NodeMapping()))
                service = service.removing("dockerfile").setting("build", build.setting("dockerfile", dockerfile))
            }
            if let network = service["net"] { service = service.removing("net").setting("network_mode", network) }
            for (old, new) in [("log_driver", "driver"), ("log_opt", "options")] {
                guard let value = service[old] else { continue }
                let logging = service["logging"] ?? value.with(.mapping(NodeMapping()))
                service = service.removing(old).setting("logging", logging.setting(new, value))
            }
            return service
        }
        return result
    }
}
