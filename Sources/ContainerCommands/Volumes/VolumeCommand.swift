import ArgumentParser
import CommandSupport
import Containers
import FileSystem
import Formatting
import Glibc
import Images
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild volume`.
struct VolumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Make, list and remove volumes: directories that outlive containers.",
        discussion: """
            EXAMPLES:
              swiftbuild volume create data
              swiftbuild run --rm -v data:/var/lib/data app
              swiftbuild volume rm data
            """,
        subcommands: [
            VolumeCreateCommand.self, VolumeListCommand.self, VolumeInspectCommand.self, VolumeRemoveCommand.self,
            VolumePruneCommand.self,
        ]
    )
}

extension GlobalOptions {
    fileprivate func volumes() throws -> VolumeStore { VolumeStore(try store.open().layers) }
}

/// `swiftbuild volume create`.
struct VolumeCreateCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a volume; one that exists stays as it is.",
        discussion: """
            EXAMPLES:
              swiftbuild volume create data
              swiftbuild volume create --label backup=daily data
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("d"), .customLong("driver")],
        help: ArgumentHelp("Who keeps it: local, the store.", valueName: "name")
    )
    var driver = "local"

    @Option(name: .customLong("label"), help: ArgumentHelp("Set a label; may repeat.", valueName: "name[=value]"))
    var labels: [String] = []

    @Argument(help: "Its name; without one it gets 64 digits.")
    var name: String?

    func run() throws -> ExitStatus {
        guard driver == "local" else {
            throw UserError("--driver: unknown `\(driver)`; the only one is `local`, since there are no plugins")
        }
        let pairs = labels.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count == 2 ? parts[1] : "")
        }
        let labels = Dictionary(pairs) { $1 }
        let volumes = try global.volumes()
        let volume =
            if let name { try volumes.open(name, labels: labels) } else { try volumes.openAnonymous(labels: labels) }
        Terminal.print(volume.name)
        return .success
    }
}

/// `swiftbuild volume ls`.
struct VolumeListCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List volumes.",
        discussion: """
            Fields for --format: .Name, .Driver, .Scope, .Mountpoint, .Labels, .Links, .Size.

            EXAMPLES:
              swiftbuild volume ls
              swiftbuild volume ls -q --filter dangling=true
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the names.")
    var isQuiet = false

    @Option(
        name: [.customShort("f"), .customLong("filter")],
        help: ArgumentHelp(
            "Only some: dangling=true, name=TEXT, label=NAME[=VALUE], driver=local; may repeat.",
            valueName: "name=value"
        )
    )
    var filters: [String] = []

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let filter = try NamedFilters(filters, known: ["dangling", "name", "label", "driver"])
        let isDangling = try filter.isOn("dangling")
        let volumes = try global.volumes()
        let containers = try global.containers()
        let used = Set(isDangling == nil ? [] : try containers.all().flatMap(\.record.volumes))
        let chosen = try volumes.all().filter { volume in
            filter.accepts(labels: volume.record.labels) { name, value in
                switch name {
                case "name": NamedFilters.matches(value, volume.name)
                case "driver": value == "local"
                default: used.contains(volume.name) != isDangling
                }
            }
        }
        guard !isQuiet else {
            for volume in chosen { Terminal.print(volume.name) }
            return .success
        }
        try format.print(chosen, fields(volumes, containers), columns: ["Driver", "Name"])
        return .success
    }

    private func fields(_ volumes: VolumeStore, _ containers: ContainerStore) -> [RowFormat.Field<VolumeStore.Volume>] {
        // What takes a look at each container or file is `N/A` in Docker's JSON too, and is there for templates.
        let isAsked = format?.contains("{{") ?? false
        return [
            .init("Driver", "DRIVER") { _ in "local" },
            .init("Name", "VOLUME NAME") { $0.name },
            .init("Scope", "SCOPE") { _ in "local" },
            .init("Mountpoint", "MOUNTPOINT") { $0.files.string },
            .init("Labels", "LABELS") {
                $0.record.labels.sorted { $0 < $1 }.map { "\($0)=\($1)" }.joined(separator: ",")
            },
            .init("Links", "LINKS") { volume in
                isAsked ? ((try? volumes.users(of: volume.name, containers)).map { "\($0.count)" } ?? "N/A") : "N/A"
            },
            .init("Size", "SIZE") { isAsked ? HumanReadable.size(DiskUsage.of(contentOf: $0.files)) : "N/A" },
        ]
    }
}

/// `swiftbuild volume inspect`.
struct VolumeInspectCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about volumes as JSON, under Docker's field names.",
        discussion: """
            EXAMPLES:
              swiftbuild volume inspect data
              swiftbuild volume inspect -f '{{.Mountpoint}}' data
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var output: InspectionOutput

    @Argument(help: "Names of volumes.")
    var names: [String]

    func run() async throws -> ExitStatus {
        let volumes = try global.volumes()
        return try await output.print(names) { name in
            guard let volume = try volumes.find(name) else { throw ContainerStoreError.noVolume(name) }
            return volume.inspection
        }
    }
}

/// `swiftbuild volume rm`.
struct VolumeRemoveCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove volumes that no container has.",
        discussion: """
            EXAMPLES:
              swiftbuild volume rm data
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("f"), .customLong("force")], help: "Missing ones are not an error.")
    var isForced = false

    @Argument(help: "Names of volumes.")
    var names: [String]

    func run() throws -> ExitStatus {
        let (volumes, containers) = (try global.volumes(), try global.containers())
        return names.forEachName { name in
            do {
                try volumes.remove(name, containers: containers)
            } catch ContainerStoreError.noVolume where isForced {}
            return name
        }
    }
}

/// `swiftbuild volume prune`.
struct VolumePruneCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove the anonymous volumes that no container has.",
        discussion: """
            Anonymous volumes are those that were made for a VOLUME of an image or a `-v /path` without a name.

            EXAMPLES:
              swiftbuild volume prune
              swiftbuild volume prune -af --filter 'label!=keep'
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("a"), .customLong("all")], help: "Also those with names.")
    var takesAll = false

    @OptionGroup var flags: PruneFlags

    func run() throws -> ExitStatus {
        let filter = try PruneFilter(flags.filters, known: ["label", "label!"])
        let kind = takesAll ? "all" : "anonymous"
        guard try flags.confirm(["\(kind) local volumes not used by at least one container"]) else { return .success }
        let containers = try global.containers()
        let (names, bytes) = try global.volumes().prune(filter, all: takesAll, containers: containers)
        var pruned = PrunedObjects()
        pruned.add("Volumes", names, freed: bytes)
        pruned.finish()
        return .success
    }
}
