internal import FileSystem
internal import Reporting
internal import SystemPackage

/// Reads what services name in `env_file` and `label_file` into `environment` and `labels`.
struct ServiceFiles {
    let problems: ProblemList
    let variables: [String: String]

    func apply(to project: Node) throws -> Node {
        guard var services = project["services"]?.mapping, let node = project["services"] else { return project }
        for entry in services.entries { services.set(entry.key, try service(entry.value), at: entry.place) }
        return project.setting("services", node.with(.mapping(services)))
    }

    private func service(_ service: Node) throws -> Node {
        var service = service
        if let files = service["env_file"]?.list {
            var values: [String: Node] = [:]
            let own = service["environment"]?.mapping
            for file in files {
                guard let path = file["path"]?.string else { continue }
                let known = values
                let isOptional = file["required"]?.boolean == false
                guard let source = try read(path, at: file.place, isOptional: isOptional) else { continue }
                let found =
                    file["format"]?.string == "raw"
                    ? EnvironmentFile(raw: source)
                    : try EnvironmentFile(parsing: source) {
                        variables[$0] ?? own?[$0]?.string ?? known[$0]?.string
                    }
                for (name, value) in found.values { values[name] = Node(.string(value), at: file.place) }
            }
            service = merged(service.removing("env_file"), "environment", values)
        }
        if let files = service["label_file"]?.list {
            var values: [String: Node] = [:]
            for file in files {
                let known = values
                guard let path = file.string, let source = try read(path, at: file.place, isOptional: false) else {
                    continue
                }
                let found = try EnvironmentFile(parsing: source) { known[$0]?.string }
                for (name, value) in found.values { values[name] = Node(.string(value), at: file.place) }
            }
            service = merged(service.removing("label_file"), "labels", values)
        }
        return service
    }

    private func read(_ path: String, at place: Place, isOptional: Bool) throws -> SourceText? {
        do throws(SystemError) {
            return SourceText(name: path, bytes: try FileOperations.read(FilePath(path), limit: 16 << 20))
        } catch {
            if isOptional, error.errno == .noSuchFileOrDirectory { return nil }
            throw problems.fail("cannot read `\(path)`: \(error.reason)", at: place)
        }
    }

    /// What the service says itself wins.
    private func merged(_ service: Node, _ key: String, _ values: [String: Node]) -> Node {
        guard !values.isEmpty else { return service }
        var mapping = NodeMapping()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { mapping.set(name, value) }
        for entry in service[key]?.mapping?.entries ?? [] { mapping.set(entry.key, entry.value, at: entry.place) }
        return service.setting(key, Node(.mapping(mapping), at: service[key]?.place ?? service.place))
    }
}
