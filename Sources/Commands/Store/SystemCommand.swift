import ArgumentParser
import CommandSupport
import ContainerCommands
import Formatting
import Glibc
import Images
import OCI
import Reporting
import StoreMaintenance
import TerminalUI

/// `swiftbuild system`.
struct SystemCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "system",
        abstract: "Look at and clean up images, containers, volumes and the build cache together.",
        discussion: """
            EXAMPLES:
              swiftbuild system df
              swiftbuild system prune
            """,
        subcommands: [SystemUsageCommand.self, SystemPruneCommand.self]
    )
}

/// `swiftbuild system df`.
struct SystemUsageCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "df",
        abstract: "Show what images, containers, volumes and the build cache take up on the disk.",
        discussion: """
            Sizes are those of du(1); `swiftbuild df` tells more kinds apart.
            Fields for --format: .Type, .TotalCount, .Active, .Size, .Reclaimable.

            EXAMPLES:
              swiftbuild system df
              swiftbuild system df -v
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("v"), .customLong("verbose")], help: "List images, containers and volumes one by one.")
    var isVerbose = false

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let images = try global.store.open()
        guard isVerbose, case .table = format else {
            try format.print(
                try SystemUsage(images).rows,
                SystemUsageCommand.fields,
                columns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"]
            )
            return .success
        }
        Terminal.print("Images space usage:\n")
        let now = Int64(time(nil))
        let rows = ImageRow.rows(try images.list(), try images.indexes())
        let (sharing, uses) = (try LayerSharing(images), try ContainerUsage.images(in: images))
        let fields =
            ImageRow.fields(now: now) + [
                .init("SharedSize", "SHARED SIZE") { HumanReadable.size(sharing.sharedBytes(of: $0.id)) },
                .init("UniqueSize", "UNIQUE SIZE") { HumanReadable.size($0.size - sharing.sharedBytes(of: $0.id)) },
                .init("Containers", "CONTAINERS") { "\(uses[$0.id] ?? 0)" },
            ]
        let columns = ImageRow.usualColumns + ["SharedSize", "UniqueSize", "Containers"]
        Terminal.print(RowFormat.table(rows, fields, columns: columns))
        try ContainerUsage.print(in: images, now: now)
        if let cache = try SystemUsage(images).rows.last {
            Terminal.print("\nBuild cache usage: \(HumanReadable.size(cache.size))")
        }
        return .success
    }

    private static var fields: [RowFormat.Field<SystemUsage.Row>] {
        [
            .init("Type", "TYPE") { $0.kind },
            .init("TotalCount", "TOTAL") { "\($0.total)" },
            .init("Active", "ACTIVE") { "\($0.active)" },
            .init("Size", "SIZE") { HumanReadable.size($0.size) },
            .init("Reclaimable", "RECLAIMABLE") { StoreUsage.share($0.reclaimable, of: $0.size) },
        ]
    }
}

/// `swiftbuild system prune`.
struct SystemPruneCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove stopped containers, unused networks, images without names and content that nothing needs.",
        discussion: """
            Results of build steps stay, so that the next build is as fast as before, unless --all is given.

            EXAMPLES:
              swiftbuild system prune
              swiftbuild system prune -af --volumes
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: [.customShort("a"), .customLong("all")],
        help: "Also images without containers, and the whole build cache."
    )
    var removesAll = false

    @Flag(name: .customLong("volumes"), help: "Also anonymous volumes without containers.")
    var removesVolumes = false

    @OptionGroup var flags: PruneFlags

    func run() throws -> ExitStatus {
        let filter = try PruneFilter(flags.filters)
        if removesVolumes, filter.until != nil {
            throw UserError("--filter: `until` does not go with --volumes", status: .usage)
        }
        guard try flags.confirm(warning) else { return .success }
        let images = try global.store.open()
        var pruned = PrunedObjects()
        try pruned.removeContainers(in: images, filter, volumes: removesVolumes)
        let names = removesAll ? try images.removeUnused(by: filter) : []
        var limits = PruneLimits()
        limits.removesAll = removesAll
        // Results of steps have no labels.
        if filter.hasLabels { limits.acceptsLabels = { filter.accepts(created: nil, labels: $0) } }
        limits.usedBefore = filter.until
        let content = try Pruning(limits, in: images, isDryRun: false)
        pruned.add(
            "Images",
            names.map { "untagged: \($0)" } + content.images.map { "deleted: \($0)" },
            freed: content.freed
        )
        pruned.add(
            "build cache objects",
            content.removals.map { "\($0.count) \($0.kind.noun($0.count)), \(HumanReadable.size($0.bytes))" },
            freed: 0
        )
        pruned.finish()
        return .success
    }

    /// Docker's words.
    private var warning: [String] {
        ["all stopped containers", "all networks not used by at least one container"]
            + (removesVolumes ? ["all anonymous volumes not used by at least one container"] : [])
            + [
                removesAll ? "all images without at least one container associated to them" : "all dangling images",
                removesAll ? "all build cache" : "unused build cache",
            ]
    }
}

extension ImageStore {
    /// Takes the names away from images that no container was made of, so that they go as those without a name do.
    ///
    /// - Returns: The names.
    fileprivate func removeUnused(by filter: PruneFilter) throws -> [String] {
        let used = Set(try ContainerUsage.images(in: self).keys)
        func isUnused(_ image: StoredImage) -> Bool {
            !used.contains(image.id)
                && filter.accepts(created: image.created, labels: filter.hasLabels ? labels(of: image) : [:])
        }
        var names = try list().filter { isUnused($0.image) }.flatMap(\.names)
        names += try indexes().filter { $0.index.images.allSatisfy(isUnused) }.flatMap(\.names)
        return try names.filter { try untag($0) }.map(\.familiar)
    }
}
