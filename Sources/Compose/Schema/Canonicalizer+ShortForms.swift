extension Canonicalizer {
    func short(_ node: Node, _ form: ShortForm, _ full: Shape, _ path: String) -> Node? {
        switch form {
        case .build: return canonical(node.string == nil ? node : record(node, ["context": node]), full, path)
        case .include: return canonical(node.string == nil ? node : record(node, ["path": node]), full, path)
        case .extends: return canonical(node.string == nil ? node : record(node, ["service": node]), full, path)
        case .fileReference: return canonical(node.string == nil ? node : record(node, ["source": node]), full, path)
        case .names: return canonical(names(node, path) { $0.with(.null) }, full, path)
        case .dependencies:
            let long = names(node, path) {
                record($0, ["condition": $0.with(.string("service_started")), "required": $0.with(.boolean(true))])
            }
            return canonical(long, full, path)
        case .ports: return ports(node, full, path)
        case .volume: return volume(node, full, path)
        case .environmentFiles: return environmentFiles(node, full, path)
        case .device: return device(node, full, path)
        case .healthTest:
            guard node.string != nil else { return canonical(node, full, path) }
            return node.with(.list([node.with(.string("CMD-SHELL")), Node(node.kind, at: node.place)]))
        case .ssh: return ssh(node, full, path)
        case .extraHosts: return extraHosts(node, path)
        case .resource: return canonical(resource(node), full, path)
        }
    }

    private func record(_ node: Node, _ fields: KeyValuePairs<String, Node>) -> Node {
        var mapping = NodeMapping()
        for (key, value) in fields { mapping.set(key, Node(value.kind, at: value.place)) }
        return node.with(.mapping(mapping))
    }

    /// A list of names as a mapping.
    private func names(_ node: Node, _ path: String, _ value: (Node) -> Node) -> Node {
        guard let list = node.list else { return node }
        var mapping = NodeMapping()
        for element in list {
            if let name = element.string {
                mapping.set(name, value(element))
            } else {
                _ = wrong(element, .string, path)
            }
        }
        return node.with(.mapping(mapping))
    }

    private func environmentFiles(_ node: Node, _ full: Shape, _ path: String) -> Node? {
        guard let list = node.string == nil ? node.list : [Node(node.kind, at: node.place)] else {
            return wrong(node, .strings(.none), path)
        }
        let long = list.map { $0.string == nil ? $0 : record($0, ["path": $0]) }
        return canonical(node.with(.list(long)), full, path)
    }

    /// `/dev/a:/dev/b:rwm`.
    private func device(_ node: Node, _ full: Shape, _ path: String) -> Node? {
        guard let text = node.string else { return canonical(node, full, path) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            problems.add(
                "`\(path)`: invalid device `\(text)`: expected, for example, /dev/fuse:/dev/fuse:rwm",
                at: node.place
            )
            return nil
        }
        let hasTarget = parts.count > 1 && parts[1].hasPrefix("/")
        let permissions = parts.count == 3 ? parts[2] : parts.count == 2 && !hasTarget ? parts[1] : "rwm"
        return record(
            node,
            [
                "source": node.with(.string(parts[0])),
                "target": node.with(.string(hasTarget ? parts[1] : parts[0])),
                "permissions": node.with(.string(permissions)),
            ]
        )
    }

    /// `default`, `id=path`, and the same as a mapping.
    private func ssh(_ node: Node, _ full: Shape, _ path: String) -> Node? {
        guard let mapping = node.mapping else { return canonical(node, .strings(.name), path) }
        let list = mapping.entries.map { entry in
            entry.value.with(.string(entry.value.isNull ? entry.key : "\(entry.key)=\(entry.value.scalarText ?? "")"))
        }
        return canonical(node.with(.list(list)), full, path)
    }

    /// `host=address`, `host:address`, and the same as a mapping; an address of version 6 may be in brackets.
    private func extraHosts(_ node: Node, _ path: String) -> Node? {
        var hosts: [(String, Node)] = []
        if let mapping = node.mapping {
            for entry in mapping.entries { hosts += (entry.value.list ?? [entry.value]).map { (entry.key, $0) } }
        } else if let list = node.list {
            for element in list {
                let text = element.string ?? ""
                guard let sign = text.firstIndex(of: "=") ?? text.firstIndex(of: ":") else {
                    problems.add(
                        "`\(path)`: invalid host `\(text)`: expected, for example, db=10.0.0.2",
                        at: element.place
                    )
                    continue
                }
                hosts.append((String(text[..<sign]), element.with(.string(String(text[text.index(after: sign)...])))))
            }
        } else {
            return wrong(node, .pairs(hasNull: false), path)
        }
        var result: [Node] = []
        for (host, address) in hosts {
            guard var text = address.string, !text.isEmpty, !host.isEmpty else {
                problems.add("`\(path)`: the host `\(host)` has no address", at: address.place)
                continue
            }
            if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
            result.append(address.with(.string("\(host)=\(text)")))
        }
        return unique(node.with(.list(result)), .whole)
    }

    /// `external: {name: x}` of the formats 2 and 3.
    private func resource(_ node: Node) -> Node {
        guard var mapping = node.mapping, let external = mapping["external"], external.mapping != nil else {
            return node
        }
        if let name = external["name"], mapping["name"] == nil { mapping.set("name", name) }
        mapping.set("external", external.with(.boolean(true)))
        return node.with(.mapping(mapping))
    }

    // MARK: Ports

    private func ports(_ node: Node, _ full: Shape, _ path: String) -> Node? {
        guard let list = node.list else { return wrong(node, full, path) }
        var result: [Node] = []
        for element in list {
            guard let text = element.scalarText else {
                var mapping = element.mapping ?? NodeMapping()
                if mapping["protocol"] == nil { mapping.set("protocol", Node(.string("tcp"), at: element.place)) }
                if mapping["mode"] == nil { mapping.set("mode", Node(.string("ingress"), at: element.place)) }
                result.append(element.mapping == nil ? element : element.with(.mapping(mapping)))
                continue
            }
            guard !(!interpolates && text.contains("$")) else {
                result.append(element)
                continue
            }
            do throws(PortSpecification.Failure) {
                for port in try PortSpecification(parsing: text).ports.sorted(by: { $0.key < $1.key }) {
                    var mapping = NodeMapping()
                    mapping.set("mode", element.with(.string("ingress")))
                    if let address = port.address { mapping.set("host_ip", element.with(.string(address))) }
                    mapping.set("target", element.with(.integer(Int64(port.target))))
                    if let published = port.published { mapping.set("published", element.with(.string(published))) }
                    mapping.set("protocol", element.with(.string(port.transport)))
                    result.append(element.with(.mapping(mapping)))
                }
            } catch {
                problems.add(
                    "`\(path)`: invalid port `\(text)`: \(error.reason)",
                    at: element.place,
                    hints: ["expected, for example, 8080:80, 127.0.0.1:8080:80 or 53:53/udp"]
                )
            }
        }
        return canonical(node.with(.list(result)), full, path)
    }

    // MARK: Volumes

    private func volume(_ node: Node, _ full: Shape, _ path: String) -> Node? {
        guard let text = node.string else { return canonical(node, full, path) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, parts.allSatisfy({ !$0.isEmpty }) else {
            problems.add(
                "`\(path)`: invalid volume `\(text)`",
                at: node.place,
                hints: ["expected, for example, data:/var/lib/data or ./src:/src:ro"]
            )
            return nil
        }
        let source = parts.count > 1 ? parts[0] : nil
        let isPath = source.map { [".", "/", "~"].contains($0.prefix(1)) } ?? false
        var mapping = NodeMapping()
        func set(_ key: String, _ kind: Node.Kind) { mapping.set(key, Node(kind, at: node.place)) }
        set("type", .string(isPath ? "bind" : "volume"))
        if let source { set("source", .string(source)) }
        set("target", .string(PathText.cleaned(parts.count > 1 ? parts[1] : parts[0])))
        var inner = NodeMapping()
        for option in parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : [] {
            switch option {
            case "ro": set("read_only", .boolean(true))
            case "rw": break
            case "nocopy": if !isPath { inner.set("nocopy", Node(.boolean(true), at: node.place)) }
            case "z", "Z": if isPath { inner.set("selinux", Node(.string(option), at: node.place)) }
            case "rprivate", "private", "rshared", "shared", "rslave", "slave":
                if isPath { inner.set("propagation", Node(.string(option), at: node.place)) }
            case "cached", "delegated", "consistent": break
            default:
                problems.add("`\(path)`: unknown option `\(option)` of the volume `\(text)`", at: node.place)
            }
        }
        set(isPath ? "bind" : "volume", .mapping(inner))
        return canonical(node.with(.mapping(mapping)), full, path)
    }
}
