public import ArgumentParser
internal import CommandSupport
public import Compose
internal import Distribution
internal import FileSystem
internal import Formatting
internal import Glibc
internal import Images
internal import OCI
internal import Registry
internal import Reporting
internal import SystemPackage
internal import TerminalUI

/// `swiftbuild compose config`.
struct ComposeConfigCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check a Compose file and print it in full form.",
        discussion: """
            Files are merged, variables replaced, short forms written out, and paths made absolute. A dollar is printed \
            as $$, so that what is printed is a Compose file again.

            EXAMPLES:
              swiftbuild compose config
              swiftbuild compose config --format json web
              swiftbuild compose config --quiet
              swiftbuild compose --profile debug config --services
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var output: ComposeConfigOutput

    @Argument(help: "Only these services, and those that they depend on.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        var options = flags.options(services)
        options.interpolates = !output.interpolatesNot
        options.normalizes = !output.normalizesNot
        options.resolvesPaths = !output.resolvesPathsNot
        options.checksConsistency = !output.checksConsistencyNot
        options.resolvesEnvironmentFiles = !output.resolvesEnvironmentNot
        if output.listsFileVariables { options.interpolates = false }
        var resolved = try ResolvedProject(options, keepsUnused: flags.hasAllResources)
        ComposeFlags.show(resolved)
        // What is only wrong in the eyes of one value's type is found by making the types.
        let project = options.interpolates && options.checksConsistency ? try Project(resolved) : nil
        if output.pinsImages || output.locksImages { try await pinImages(of: &resolved) }
        if output.locksImages { resolved.removeAllButImages() }
        guard !output.isQuiet else { return .success }
        let text = try output.text(of: resolved, project)
        guard let file = output.file else {
            Terminal.write(text, to: STDOUT_FILENO)
            return .success
        }
        let path = FilePath(file).absolute
        try FileOperations.writeAtomically(Array(text.utf8), to: path, temporary: path.removingLastComponent())
        return .success
    }

    /// Asks the registries what the names of the images mean now.
    private func pinImages(of project: inout ResolvedProject) async throws {
        let puller = ImagePuller(.shared, into: try global.store.open())
        let names = project.imageOfService
        let pinned = try await Signals.cancelling {
            try await withThrowingTaskGroup(of: (String, String).self) { group in
                for (service, name) in names {
                    group.addTask {
                        do {
                            let reference = try ImageReference(parsing: name)
                            guard reference.digest == nil else { return (service, "\(reference)") }
                            return (service, "\(reference)@\(try await puller.digest(of: reference))")
                        } catch let error as CancellationError {
                            throw error
                        } catch {
                            throw ServiceFailure(service, error)
                        }
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }
        project.setImages(pinned)
    }
}

/// What `compose config` prints.
struct ComposeConfigOutput: ParsableArguments {
    @Option(name: .customLong("format"), help: ArgumentHelp("yaml or json.", valueName: "format"))
    var format = DocumentFormat.yaml

    @Flag(name: .customLong("services"), help: "Print the names of the services, in the order in which they start.")
    var listsServices = false

    @Flag(name: .customLong("volumes"), help: "Print the names of the volumes.")
    var listsVolumes = false

    @Flag(name: .customLong("networks"), help: "Print the names of the networks.")
    var listsNetworks = false

    @Flag(name: .customLong("images"), help: "Print the images of the services.")
    var listsImages = false

    @Flag(name: .customLong("profiles"), help: "Print the profiles that services name.")
    var listsProfiles = false

    @Flag(name: .customLong("environment"), help: "Print the variables that the files are read with.")
    var listsVariables = false

    @Flag(name: .customLong("variables"), help: "Print the variables of the files with their default values.")
    var listsFileVariables = false

    @Flag(name: .customLong("resolve-image-digests"), help: "Print images with the digest that their registry has.")
    var pinsImages = false

    @Flag(name: .customLong("lock-image-digests"), help: "Print only the images with their digests, as an override.")
    var locksImages = false

    @Option(
        name: .customLong("hash"),
        help: ArgumentHelp("Print the hash of the configuration of services, `*` for all.", valueName: "services")
    )
    var hashed: String?

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Only check.")
    var isQuiet = false

    @Flag(name: .customLong("no-interpolate"), help: "Leave variables as they are.")
    var interpolatesNot = false

    @Flag(name: .customLong("no-normalize"), help: "Leave out what follows from the specification's defaults.")
    var normalizesNot = false

    @Flag(name: .customLong("no-path-resolution"), help: "Leave relative paths as they are.")
    var resolvesPathsNot = false

    @Flag(name: .customLong("no-consistency"), help: "Do not check whether what services refer to exists.")
    var checksConsistencyNot = false

    @Flag(name: .customLong("no-env-resolution"), help: "Leave files of variables as they are.")
    var resolvesEnvironmentNot = false

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("Write to a file instead.", valueName: "file")
    )
    var file: String?

    func text(of resolved: ResolvedProject, _ project: Project?) throws -> String {
        if listsServices { return lines(project?.services.map(\.name) ?? resolved.names(in: "services")) }
        if listsVolumes { return lines(resolved.names(in: "volumes")) }
        if listsNetworks { return lines(resolved.names(in: "networks")) }
        if listsProfiles { return lines(resolved.profiles) }
        if listsVariables {
            return lines(resolved.variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        }
        if listsImages { return lines(resolved.images) }
        if listsFileVariables { return try text(of: resolved.templateVariables) }
        if let hashed { return lines(try hashes(of: hashed, resolved)) }
        return resolved.text(format, escapesDollars: !interpolatesNot)
    }

    private func text(of variables: [TemplateVariable]) throws -> String {
        guard format == .yaml else {
            let members = variables.map { variable in
                let value = JSONValue.object([
                    "Name": .string(variable.name), "Required": .boolean(variable.isRequired),
                    "DefaultValue": .string(variable.defaultValue), "PresenceValue": .string(variable.alternative),
                ])
                return (variable.name, value)
            }
            let bytes = try CanonicalJSON.encode(JSONValue.object(Dictionary(members) { $1 }))
            return String(decoding: bytes, as: UTF8.self) + "\n"
        }
        var table = TextTable(["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"])
        for variable in variables {
            table.append([variable.name, "\(variable.isRequired)", variable.defaultValue, variable.alternative])
        }
        return table.render()
    }

    private func lines(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

    private func hashes(of list: String, _ resolved: ResolvedProject) throws(UserError) -> [String] {
        let all = resolved.hashes
        let wanted = list == "*" ? all.map(\.service) : list.split(separator: ",").map(String.init)
        return try wanted.sorted().map { (name) throws(UserError) in
            guard let found = all.first(where: { $0.service == name }) else {
                let nearest = SpellingSuggestion.closest(to: name, in: all.map(\.service))
                throw UserError("no such service: `\(name)`", hints: nearest.map { ["did you mean `\($0)`?"] } ?? [])
            }
            return "\(name) \(found.digits)"
        }
    }
}

extension DocumentFormat: ExpressibleByArgument {}
