internal import BuildService
internal import Compose
internal import ContainerRuntime
internal import Distribution
internal import FileSystem
internal import OCI
internal import Reporting
internal import SystemPackage

/// The `build` of a service in the terms of the build service.
struct ServiceBuild {
    let service: Service
    let definition: BuildDefinition
    let project: Project
    let policy: ServiceImagePolicy
    /// Whether nothing runs, so that there need be no secrets.
    var checks = false

    /// - Parameters:
    ///   - name: What the image is called.
    ///   - bases: The images of the services that are build contexts.
    /// - Throws: `UserError`.
    func options(name: ImageReference, bases: [String: ServiceImage]) throws -> BuildOptions {
        var options = BuildOptions(context: definition.context)
        switch definition.dockerfile {
        case .inline(let text): options.inlineDockerfile = text
        // The usual one may be written in small letters.
        case .path("Dockerfile"): break
        case .path(let path): options.file = dockerfile(path)
        }
        options.tags = [name.familiar] + definition.tags
        options.buildArguments = pairs(definition.arguments) + policy.buildArguments.map(withValue)
        options.target = definition.target
        options.labels =
            pairs(definition.labels) + [
                "\(ProjectLabel.project)=\(project.name)", "\(ProjectLabel.service)=\(service.name)",
            ]
        options.platform = try platform
        options.pull = policy.pullsBases || definition.pulls ? .always : .missing
        options.cacheSources = definition.cacheFrom
        options.cacheDestinations = definition.cacheTo
        options.ignoresCache = policy.ignoresCache || definition.ignoresCache
        options.uncachedStages = definition.ignoresCacheOf
        options.explains = policy.explains
        options.expectsCached = policy.expectsCached
        // Names that only this machine knows have no registry.
        options.pushes = policy.pushes && service.image != nil
        // Containers and builds of other services begin with it.
        options.keepsWholeImage = true
        if !checks { options.runs = try runs }
        for (context, value) in definition.additionalContexts.sorted(by: { $0.key < $1.key }) {
            if let base = ServiceBuild.service(in: value).flatMap({ bases[$0] }) {
                options.imageContexts[context] = ContextImage(name: base.name, id: base.image.id)
            } else if let other = ServiceBuild.service(in: value) {
                // Checks only look whether there is such an image.
                let image = project.image(ofService: other)
                options.buildContexts.append("\(context)=docker-image://\(image)")
            } else {
                options.buildContexts.append("\(context)=\(value)")
            }
        }
        try checkAttestations()
        return options
    }

    /// The service whose image is a build context.
    static func service(in context: String) -> String? {
        context.hasPrefix("service:") ? String(context.dropFirst("service:".count)) : nil
    }

    /// A path in a directory of this machine; in any other context it stays what it is.
    func dockerfile(_ path: String) -> String {
        definition.context.hasPrefix("/") && !path.contains("://")
            ? FilePath(definition.context).pushing(FilePath(path)).string : path
    }

    private func pairs(_ values: [String: String]) -> [String] {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// An argument without a value has that of the project's variable.
    private func withValue(_ argument: String) -> String {
        guard !argument.contains("="), let value = project.variables[argument] else { return argument }
        return "\(argument)=\(value)"
    }

    /// The one that is run; of several that of this machine, where it is among them.
    private var platform: String? {
        get throws {
            if let platform = service.platform { return platform }
            let all = try definition.platforms.map { try Platform(parsing: $0) }
            return Platform.host.best(among: all).map { definition.platforms[$0] } ?? definition.platforms.first
        }
    }

    private var runs: RunFlags {
        get throws {
            var flags = RunFlags()
            flags.agents = definition.ssh + policy.agents
            flags.hosts = definition.extraHosts
            flags.network = definition.network
            flags.sharedMemorySize = definition.sharedMemory.map { "\($0)" }
            flags.limits = definition.limits.sorted { $0.key < $1.key }.map {
                "\($0.key)=\($0.value.soft):\($0.value.hard)"
            }
            for secret in definition.secrets { flags.secretSources[secret.target] = try source(of: secret.source) }
            return flags
        }
    }

    private func source(of name: String) throws -> SecretSource {
        switch project.secrets[name] {
        case .file(let path):
            guard FileStatus.ifPresent(path) != nil else {
                throw UserError("the secret `\(name)`: there is no file `\(path)`")
            }
            return .file(path)
        case .content(let text): return .content(Array(text.utf8))
        case .variable(let variable):
            guard let value = project.variables[variable] else {
                throw UserError("the secret `\(name)`: the variable `\(variable)` is not set")
            }
            return .content(Array(value.utf8))
        case nil: throw UserError("the secret `\(name)` is not defined")
        }
    }

    private func checkAttestations() throws {
        for (key, value) in [("provenance", definition.provenance), ("sbom", definition.billOfMaterials)] {
            guard let value, !BuildOptions.switchesOff(attestation: value) else { continue }
            throw UserError("`build.\(key)`: attestations are not supported, so it takes only `false`, not `\(value)`")
        }
    }
}
