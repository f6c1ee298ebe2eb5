internal import Reporting

/// Checks what no single value shows: that what is referred to exists, and that values do not contradict each other.
struct Consistency {
    let problems: ProblemList
    let project: Node
    /// Services that are only built.
    let builders: NodeMapping
    let inactive: Set<String>

    func check() throws {
        for entry in project["services"]?.mapping?.entries ?? [] { check(entry) }
        checkResources()
        checkContainerNames()
        try problems.check()
        checkCircles()
        checkBuildCircles()
        try problems.check()
    }

    private func check(_ entry: NodeMapping.Entry) {
        let (name, service) = (entry.key, entry.value)
        if service["image"] == nil, service["build"] == nil {
            problems.add(
                "service `\(name)` has neither `image` nor `build`",
                at: entry.place,
                hints: ["`image: NAME` names an image, `build: .` a directory with a Dockerfile"]
            )
        }
        checkBuild(name, service)
        checkReferences(name, service)
        checkDependencies(name, service)
        checkMounts(name, service)
        checkLimits(name, service)
        if let test = service["healthcheck"]?["test"], let first = test.list?.first?.string,
            !["CMD", "CMD-SHELL", "NONE"].contains(first)
        {
            problems.add(
                "`services.\(name).healthcheck.test` begins with `\(first)`: expected `CMD`, `CMD-SHELL` or `NONE`",
                at: test.place
            )
        }
        for watch in service["develop"]?["watch"]?.list ?? [] {
            guard let action = watch["action"]?.string, !["rebuild", "restart"].contains(action) else { continue }
            for key in ["target"] + (action == "sync+exec" ? ["exec"] : []) where watch[key] == nil {
                problems.add(
                    "`services.\(name).develop.watch`: the action `\(action)` needs `\(key)`",
                    at: watch.place
                )
            }
        }
    }

    private func checkBuild(_ name: String, _ service: Node) {
        guard let build = service["build"] else { return }
        if let inline = build["dockerfile_inline"], build["dockerfile"] != nil {
            problems.add("service `\(name)` has both `dockerfile` and `dockerfile_inline`", at: inline.place)
        }
        for context in build["additional_contexts"]?.mapping?.entries ?? [] {
            guard let text = context.value.string, text.hasPrefix("service:") else { continue }
            let other = String(text.dropFirst(8))
            if let found = project["services"]?[other] ?? builders[other] {
                guard found["build"] == nil else { continue }
                problems.add("service `\(other)` has no `build`, so it is not a build context", at: context.value.place)
            } else {
                undefined("service", other, in: "services", by: name, at: context.value.place)
            }
        }
        if let platform = service["platform"], let all = build["platforms"]?.list, !all.isEmpty,
            !all.contains(where: { $0.string == platform.string })
        {
            problems.add(
                "service `\(name)` runs on `\(platform.string ?? "")`, which `build.platforms` lacks",
                at: platform.place
            )
        }
    }

    private func checkReferences(_ name: String, _ service: Node) {
        if let mode = service["network_mode"], let networks = service["networks"]?.mapping, !networks.entries.isEmpty {
            problems.add("service `\(name)` has both `network_mode` and `networks`", at: mode.place)
        }
        for network in service["networks"]?.mapping?.entries ?? [] where project["networks"]?[network.key] == nil {
            undefined("network", network.key, in: "networks", by: name, at: network.place)
        }
        for mount in service["volumes"]?.list ?? [] where mount["type"]?.string == "volume" {
            guard let source = mount["source"]?.string, project["volumes"]?[source] == nil else { continue }
            undefined("volume", source, in: "volumes", by: name, at: mount.place)
        }
        let secrets = (service["secrets"]?.list ?? []) + (service["build"]?["secrets"]?.list ?? [])
        for (kind, references) in [("secret", secrets), ("config", service["configs"]?.list ?? [])] {
            for reference in references {
                guard let source = reference["source"]?.string, project[kind + "s"]?[source] == nil else { continue }
                undefined(kind, source, in: kind + "s", by: name, at: reference.place)
            }
        }
    }

    private func undefined(_ kind: String, _ other: String, in section: String, by name: String, at place: Place) {
        let known = project[section]?.mapping?.entries.map(\.key) ?? []
        let nearest = SpellingSuggestion.closest(to: other, in: known)
        problems.add(
            "service `\(name)` refers to the \(kind) `\(other)`, which is not defined",
            at: place,
            label: nearest.map { "did you mean `\($0)`?" },
            hints: nearest == nil && kind != "service" ? ["define it under `\(section):` at the top level"] : []
        )
    }

    private func checkDependencies(_ name: String, _ service: Node) {
        for dependency in service["depends_on"]?.mapping?.entries ?? [] {
            let other = dependency.key
            guard project["services"]?[other] == nil, dependency.value["required"]?.boolean ?? true else { continue }
            if inactive.contains(other) {
                problems.add(
                    "service `\(name)` depends on `\(other)`, whose profiles are not active",
                    at: dependency.place,
                    hints: ["`--profile` activates a profile; `required: false` does without the service"]
                )
            } else {
                undefined("service", other, in: "services", by: name, at: dependency.place)
            }
        }
    }

    private func checkMounts(_ name: String, _ service: Node) {
        var first: [String: Place] = [:]
        let tmpfs = (service["tmpfs"]?.list ?? []).map { (String(($0.string ?? "").prefix { $0 != ":" }), $0.place) }
        let volumes = (service["volumes"]?.list ?? []).map { ($0["target"]?.string ?? "", $0.place) }
        for (target, place) in tmpfs + volumes {
            if let other = first[target] {
                problems.add(
                    "service `\(name)` mounts two things at `\(target)`",
                    at: place,
                    notes: [("`\(target)` is mounted here first", other)]
                )
            }
            first[target] = place
        }
        for mount in service["volumes"]?.list ?? [] where mount["type"]?.string == "bind" && mount["source"] == nil {
            problems.add("service `\(name)` has a bind mount without `source`", at: mount.place)
        }
    }

    /// Two keys for one thing have to agree.
    private func checkLimits(_ name: String, _ service: Node) {
        let deploy = service["deploy"]
        let pairs: [(String, Node?)] = [
            ("cpus", deploy?["resources"]?["limits"]?["cpus"]),
            ("mem_limit", deploy?["resources"]?["limits"]?["memory"]),
            ("pids_limit", deploy?["resources"]?["limits"]?["pids"]),
            ("mem_reservation", deploy?["resources"]?["reservations"]?["memory"]), ("scale", deploy?["replicas"]),
        ]
        for (key, other) in pairs {
            guard let value = service[key], let other, value.scalarText != other.scalarText else { continue }
            problems.add(
                "service `\(name)` has two different values of `\(key)`",
                at: value.place,
                notes: [("the other one is here", other.place)]
            )
        }
        let count = (service["scale"] ?? deploy?["replicas"])?.integer ?? 1
        if count > 1, let container = service["container_name"] {
            problems.add("service `\(name)` has one `container_name` for \(count) containers", at: container.place)
        }
    }

    private func checkResources() {
        for (section, keys) in [
            ("secrets", ["file", "environment"]), ("configs", ["file", "environment", "content"]),
        ] {
            for entry in project[section]?.mapping?.entries ?? [] where !entry.key.hasPrefix("x-") {
                let given = keys.filter { entry.value[$0] != nil }
                guard given.count != 1 else { continue }
                let list = keys.map { "`\($0)`" }.joined(separator: ", ")
                problems.add("`\(section).\(entry.key)` needs exactly one of \(list)", at: entry.place)
            }
        }
        for section in ["networks", "volumes"] {
            for entry in project[section]?.mapping?.entries ?? [] where entry.value["external"]?.boolean ?? false {
                let other = entry.value.mapping?.entries.first {
                    !["name", "external"].contains($0.key) && !$0.key.hasPrefix("x-")
                }
                guard let other else { continue }
                problems.add("`\(section).\(entry.key)` is external and has `\(other.key)`", at: other.place)
            }
        }
    }

    private func checkContainerNames() {
        var first: [String: (String, Place)] = [:]
        for entry in project["services"]?.mapping?.entries ?? [] {
            guard let node = entry.value["container_name"], let name = node.string else { continue }
            if let other = first[name] {
                problems.add(
                    "services `\(other.0)` and `\(entry.key)` have the same `container_name`",
                    at: node.place,
                    notes: [("`\(other.0)` has it here", other.1)]
                )
            }
            first[name] = (entry.key, node.place)
        }
    }

    private func checkCircles() {
        let edges = (project["services"]?.mapping?.entries ?? []).map { entry in
            (entry.key, entry.value["depends_on"]?.mapping?.entries.map(\.key) ?? [])
        }
        guard case .circle(let names) = DependencyOrder(edges), let first = names.first else { return }
        let next = names.count > 1 ? names[1] : first
        let place = project["services"]?[first]?["depends_on"]?.mapping?.entry(next)?.place ?? project.place
        problems.add(
            "services depend on each other in a circle: \((names + [first]).map { "`\($0)`" }.joined(separator: " → "))",
            at: place
        )
    }

    private func checkBuildCircles() {
        let builds = ((project["services"]?.mapping?.entries ?? []) + builders.entries).map { entry in
            (entry.key, entry.value["build"]?["additional_contexts"]?.mapping?.entries ?? [])
        }
        let edges = builds.map { name, contexts in
            let texts = contexts.compactMap(\.value.string).filter { $0.hasPrefix("service:") }
            return (name, texts.map { String($0.dropFirst(8)) })
        }
        guard case .circle(let names) = DependencyOrder(edges), let first = names.first else { return }
        let place = builds.first { $0.0 == first }?.1.first?.place ?? project.place
        let circle = (names + [first]).map { "`\($0)`" }.joined(separator: " → ")
        problems.add("services are built from each other in a circle: \(circle)", at: place)
    }
}
