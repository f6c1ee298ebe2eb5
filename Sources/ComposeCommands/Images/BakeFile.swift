internal import Compose
internal import OCI

/// What `docker buildx bake` would build for services, as Docker Compose prints it.
struct BakeFile {
    let project: Project
    let policy: ServiceImagePolicy
    /// Whether builds are only checked.
    var checks = false

    /// - Parameter services: Those that are built; the others are there as contexts.
    func document(_ services: [Service]) -> JSONValue {
        let all = (project.services + project.builders).filter { $0.build != nil }
        var names: [String: String] = [:]
        for service in all.map(\.name).sorted() {
            // Names of targets have no dots.
            var name = service.map { $0 == "." ? "_" : String($0) }.joined()
            while names.values.contains(name) { name += "_" }
            names[service] = name
        }
        let targets = all.compactMap { service in
            service.build.flatMap { build in names[service.name].map { ($0, target(service, build, names)) } }
        }
        return .object([
            "group": .object(["default": .object(["targets": list(services.compactMap { names[$0.name] }.sorted())])]),
            "target": .object(Dictionary(targets) { $1 }),
        ])
    }

    private func target(_ service: Service, _ build: BuildDefinition, _ names: [String: String]) -> JSONValue {
        let recipe = ServiceBuild(service: service, definition: build, project: project, policy: policy)
        var result: [String: JSONValue] = [
            "context": .string(build.context),
            "contexts": object(
                build.additionalContexts.mapValues { value in
                    ServiceBuild.service(in: value).flatMap { names[$0] }.map { "target:\($0)" } ?? value
                }
            ),
            // `${` would be a variable of the file.
            "args": object(arguments(build).mapValues(escaped)),
            "labels": object(
                build.labels.merging([
                    ProjectLabel.project: "\(project.name)", ProjectLabel.service: service.name,
                    ProjectLabel.version: ProjectLabel.followedVersion,
                ]) { $1 }
            ),
            "tags": list(build.tags + [project.image(of: service)]),
            "cache-from": list(build.cacheFrom), "cache-to": list(build.cacheTo),
            "target": text(build.target), "secret": list(build.secrets.map(secret)),
            "ssh": list(build.ssh + policy.agents), "platforms": list(build.platforms),
            "pull": .boolean(build.pulls || policy.pullsBases),
            "no-cache": .boolean(build.ignoresCache || policy.ignoresCache),
            "network": text(build.network), "no-cache-filter": list(build.ignoresCacheOf),
            "shm-size": text(build.sharedMemory.map { "\($0)" }),
            "ulimits": list(
                build.limits.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.soft):\($0.value.hard)" }
            ),
            "extra-hosts": object(hosts(build)),
        ]
        switch build.dockerfile {
        case .path(let path): result["dockerfile"] = .string(recipe.dockerfile(path))
        case .inline(let content): result["dockerfile-inline"] = .string(escaped(content))
        }
        if checks {
            result["call"] = "lint"
        } else {
            let pushes = policy.pushes && service.image != nil
            let output =
                build.platforms.count > 1 ? "type=image,push=\(pushes)" : pushes ? "type=registry" : "type=docker"
            result["output"] = list([output])
        }
        return .object(
            result.filter { ![.null, .boolean(false), .list([]), .object([:])].contains($0.value) }
        )
    }

    private func arguments(_ build: BuildDefinition) -> [String: String] {
        let given = policy.buildArguments.compactMap { text -> (String, String)? in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = parts.count == 2 ? parts[1] : project.variables[parts[0]]
            return value.map { (parts[0], $0) }
        }
        return build.arguments.merging(given) { $1 }
    }

    private func secret(_ secret: BuildDefinition.Secret) -> String {
        switch project.secrets[secret.source] {
        case .file(let path): "id=\(secret.target),type=file,src=\(path)"
        case .variable(let name): "id=\(secret.target),type=env,env=\(name)"
        case .content, nil: "id=\(secret.target)"
        }
    }

    private func hosts(_ build: BuildDefinition) -> [String: String] {
        let pairs = build.extraHosts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts.count == 2 ? parts[1] : "")
        }
        return Dictionary(pairs) { $1 }
    }

    private func escaped(_ text: String) -> String { text.replacing("${", with: "$${") }

    private func list(_ texts: [String]) -> JSONValue { .list(texts.map { .string($0) }) }
    private func object(_ members: [String: String]) -> JSONValue { .object(members.mapValues { .string($0) }) }
    private func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}
