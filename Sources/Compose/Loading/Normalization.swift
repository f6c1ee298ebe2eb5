/// Puts in what the specification says of keys that are not there, and what follows from others.
struct Normalization {
    let name: ProjectName
    let variables: [String: String]

    func apply(to project: Node) -> Node {
        var project = project.updating("services.*", service)
        let services = project["services"]?.mapping?.entries ?? []
        let usesDefault = services.contains { $0.value["networks"]?["default"] != nil }
        if usesDefault, project["networks"]?["default"] == nil {
            let networks = project["networks"] ?? Node(.mapping(NodeMapping()), at: project.place)
            project = project.setting("networks", networks.setting("default", Node(.null, at: project.place)))
        }
        for section in ["networks", "volumes", "secrets", "configs"] {
            guard var resources = project[section]?.mapping, let node = project[section] else { continue }
            for entry in resources.entries where !entry.key.hasPrefix("x-") {
                resources.set(entry.key, resource(entry), at: entry.place)
            }
            project = project.setting(section, node.with(.mapping(resources)))
        }
        return project.setting("name", Node(.string(name.text), at: project["name"]?.place ?? project.place))
    }

    private func resource(_ entry: NodeMapping.Entry) -> Node {
        let node = entry.value.isNull ? entry.value.with(.mapping(NodeMapping())) : entry.value
        guard node["name"] == nil else { return node }
        let isExternal = node["external"]?.boolean ?? false
        return node.setting("name", Node(.string(isExternal ? entry.key : "\(name)_\(entry.key)"), at: entry.place))
    }

    private func service(_ service: Node) -> Node {
        var result = service
        func text(_ text: String) -> Node { Node(.string(text), at: service.place) }
        if result["network_mode"] == nil, result["networks"]?.mapping?.entries.isEmpty ?? true {
            var networks = NodeMapping()
            networks.set("default", Node(.null, at: service.place))
            result = result.setting("networks", Node(.mapping(networks), at: service.place))
        }
        if result["pull_policy"]?.string == "if_not_present" { result = result.setting("pull_policy", text("missing")) }
        if var build = result["build"] {
            if build["dockerfile"] == nil, build["dockerfile_inline"] == nil {
                build = build.setting("dockerfile", text("Dockerfile"))
            }
            if let arguments = build["args"] { build = build.setting("args", resolved(arguments, keepsEmpty: false)) }
            result = result.setting("build", build)
        }
        if let environment = result["environment"] {
            result = result.setting("environment", resolved(environment, keepsEmpty: true))
        }
        result = result.updating("depends_on.*") {
            $0["required"] == nil ? $0.setting("required", Node(.boolean(true), at: $0.place)) : $0
        }
        result = result.updating("secrets.*") { secret in
            guard secret["target"] == nil, let source = secret["source"]?.string else { return secret }
            return secret.setting("target", Node(.string("/run/secrets/\(source)"), at: secret.place))
        }
        return withSorted(hosts: withImplicitDependencies(result))
    }

    /// Names without a value, with that of the variable of the same name.
    private func resolved(_ node: Node, keepsEmpty: Bool) -> Node {
        guard let mapping = node.mapping else { return node }
        var result = NodeMapping()
        for entry in mapping.entries {
            if !entry.value.isNull {
                result.set(entry.key, entry.value, at: entry.place)
            } else if let value = variables[entry.key] {
                result.set(entry.key, entry.value.with(.string(value)), at: entry.place)
            } else if keepsEmpty {
                result.set(entry.key, entry.value, at: entry.place)
            }
        }
        return node.with(.mapping(result))
    }

    /// Links and shared namespaces and volumes need the other service first.
    private func withImplicitDependencies(_ service: Node) -> Node {
        var wanted: [(String, Node, restarts: Bool)] = []
        for link in service["links"]?.list ?? [] {
            wanted.append((String((link.string ?? "").prefix { $0 != ":" }), link, true))
        }
        for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            guard let node = service[key], let text = node.string, text.hasPrefix("service:") else { continue }
            wanted.append((String(text.dropFirst(8)), node, true))
        }
        for source in service["volumes_from"]?.list ?? [] {
            guard let text = source.string, !text.hasPrefix("container:") else { continue }
            // docker-compose 1 prints `service:` before the name.
            let name = text.hasPrefix("service:") ? text.dropFirst(8) : text[...]
            wanted.append((String(name.prefix { $0 != ":" }), source, false))
        }
        guard !wanted.isEmpty else { return service }
        var dependencies = service["depends_on"]?.mapping ?? NodeMapping()
        for (name, node, restarts) in wanted where dependencies[name] == nil {
            var dependency = NodeMapping()
            dependency.set("condition", Node(.string("service_started"), at: node.place))
            if restarts { dependency.set("restart", Node(.boolean(true), at: node.place)) }
            dependency.set("required", Node(.boolean(true), at: node.place))
            dependencies.set(name, Node(.mapping(dependency), at: node.place))
        }
        return service.setting(
            "depends_on",
            Node(.mapping(dependencies), at: service["depends_on"]?.place ?? service.place)
        )
    }

    private func withSorted(hosts service: Node) -> Node {
        func sorted(_ node: Node) -> Node {
            node.list.map { node.with(.list($0.sorted { ($0.string ?? "") < ($1.string ?? "") })) } ?? node
        }
        return service.updating("extra_hosts", sorted).updating("build.extra_hosts", sorted)
    }
}
