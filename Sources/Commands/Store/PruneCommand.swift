import ArgumentParser
import CommandSupport
import Formatting
import Images
import Reporting
import StoreMaintenance
import TerminalUI

/// `swiftbuild prune`.
struct PruneCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove images without names, and content that nothing needs.",
        discussion: """
            Results of build steps stay, so the next build is as fast as before; --all removes them too, with unpacked \
            layers, fetched sources, the directories of RUN --mount=type=cache and the records of builds. \
            --older-than, --keep-storage and --min-free also remove these, least recently used first, but only what \
            has not been used for that long, and only as much as needed. Images with names always stay. Waits for \
            running builds.

            EXAMPLES:
              swiftbuild prune --dry-run               show what would be removed
              swiftbuild prune --older-than 24h        what has not been used for a day
              swiftbuild prune --keep-storage 10GB     until the store is no larger
              swiftbuild prune --min-free 20GB         until this much of the disk is free
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: [.customShort("a"), .customLong("all")],
        help: "Also remove the build cache, cache mounts, fetched sources and unpacked layers."
    )
    var removesAll = false

    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Only show what would be removed.")
    var isDryRun = false

    @Option(
        name: .customLong("older-than"),
        help: ArgumentHelp("Remove only what has not been used for this long, for example 24h.", valueName: "duration")
    )
    var age: String?

    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp("`until=24h` is --older-than 24h.", valueName: "until=duration")
    )
    var filters: [String] = []

    @Option(
        name: [.customLong("keep-storage"), .customLong("max-used-space")],
        help: ArgumentHelp("Remove until the store is no larger than this, for example 10GB.", valueName: "size")
    )
    var storage: String?

    @Option(
        name: [.customLong("min-free"), .customLong("min-free-space")],
        help: ArgumentHelp("Remove until this much of the disk is free.", valueName: "size")
    )
    var free: String?

    @Flag(name: [.customShort("f"), .customLong("force")], help: .hidden)
    var isForced = false

    func run() throws -> ExitStatus {
        let pruned = try Pruning(try limits(), in: try global.store.open(), isDryRun: isDryRun)
        let verb = isDryRun ? "Would delete" : "Deleted"
        for (kind, count, bytes) in pruned.removals {
            Terminal.print("\(verb): \(count) \(kind.noun(count)), \(HumanReadable.size(bytes))")
        }
        for id in pruned.images { Terminal.print("\(verb): \(id)") }
        Terminal.print("\(isDryRun ? "Reclaimable" : "Total reclaimed") space: \(HumanReadable.size(pruned.freed))")
        return .success
    }

    private func limits() throws -> PruneLimits {
        func size(_ option: String, _ text: String?) throws -> Int64? {
            guard let text else { return nil }
            guard let bytes = ByteSize.decimal(text) else {
                throw UserError(
                    "\(option): invalid size `\(text)`: expected, for example, 10GB",
                    status: .usage
                )
            }
            return bytes
        }
        var limits = PruneLimits()
        limits.removesAll = removesAll
        limits.storage = try size("--keep-storage", storage)
        limits.free = try size("--min-free", free)
        if let age { limits.usedBefore = try PruneLimits.time(ago: age, "--older-than") }
        for text in try NamedFilters(filters, known: ["until"])["until"] ?? [] {
            let time = try PruneLimits.time(ago: text, "--filter until")
            limits.usedBefore = min(time, limits.usedBefore ?? time)
        }
        return limits
    }
}
