public import ArgumentParser
import CommandSupport
import ContainerNetworks
public import Containers
import ContentStore
import FileSystem
import Formatting
import Glibc
import Layers
public import OCI
public import Reporting
import TerminalUI

/// What all commands that remove what is not in use take.
public struct PruneFlags: ParsableArguments {
    @Flag(name: [.customShort("f"), .customLong("force")], help: "Do not ask.")
    var isForced = false

    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp(
            "Only some: until=24h, label=NAME[=VALUE], label!=NAME[=VALUE]; may repeat.",
            valueName: "name=value"
        )
    )
    public var filters: [String] = []

    public init() {}

    /// Asks whether to go on, unless that was forbidden, in Docker's words.
    ///
    /// - Parameter what: What will be removed: one thing, or several with a line for each.
    /// - Throws: `UserError` where there is no answer.
    public func confirm(_ what: [String]) throws(UserError) -> Bool {
        guard !isForced else { return true }
        let list = what.count == 1 ? " \(what[0]).\n" : ":\n" + what.map { "  - \($0)\n" }.joined() + "\n"
        Terminal.write(
            "WARNING! This will remove\(list)Are you sure you want to continue? [y/N] ",
            to: STDOUT_FILENO
        )
        guard let answer = readLine() else {
            Terminal.print("")
            throw UserError("cannot prompt: there is no input", hints: ["`-f` removes without asking"])
        }
        return ["y", "yes"].contains(answer.lowercased())
    }
}

/// Which of what is not in use goes.
public struct PruneFilter: Sendable {
    private let filters: NamedFilters
    /// What was made since stays, in nanoseconds since 1970.
    public let until: Int64?

    public var hasLabels: Bool { filters["label"] != nil || filters["label!"] != nil }

    /// - Parameter known: The filters that a command has.
    /// - Throws: `UserError` with the status for wrong use.
    public init(_ texts: [String], known: [String] = ["until", "label", "label!"]) throws {
        filters = try NamedFilters(texts, known: known)
        until = try filters["until"]?.map { try TimeArgument.nanoseconds("--filter until", $0) }.min()
    }

    /// Whether something goes that was made at a time.
    public func accepts(created: Timestamp?, labels: [String: String] = [:]) -> Bool {
        filters.accepts(labels: labels) { _, _ in
            guard let until, let created = created?.secondsSinceEpoch else { return true }
            return created < until / 1_000_000_000
        }
    }
}

/// What a command has removed, as Docker lists it.
public struct PrunedObjects {
    private var freed: Int64 = 0

    public init() {}

    /// Lists what was removed of a kind; nothing where that is nothing.
    public mutating func add(_ kind: String, _ names: [String], freed bytes: Int64) {
        freed += bytes
        guard !names.isEmpty else { return }
        Terminal.print("Deleted \(kind):\n" + names.joined(separator: "\n") + "\n")
    }

    public func finish() { Terminal.print("Total reclaimed space: \(HumanReadable.size(freed))") }
}

extension ContainerStore {
    /// Removes the containers that do not run.
    ///
    /// - Returns: What was removed; one that has been started meanwhile stays.
    public func prune(_ filter: PruneFilter) throws -> (ids: [String], bytes: Int64) {
        var (ids, bytes): ([String], Int64) = ([], 0)
        for container in try all() where !container.state.isRunning {
            guard filter.accepts(created: container.record.created, labels: container.record.labels) else { continue }
            let size = container.writtenBytes
            guard (try? remove(container)) != nil else { continue }
            ids.append("\(container.id)")
            bytes += size
        }
        EventLog(layers.store).addPrune(.container, freed: bytes)
        return (ids, bytes)
    }
}

extension ContainerStore {
    /// Removes the networks that no container is in.
    ///
    /// - Returns: Their names.
    public func pruneNetworks(_ filter: PruneFilter) throws -> [String] {
        // Looking makes the default network, which is not there before something needs it.
        guard try !FileOperations.names(in: layers.store[.networks]).isEmpty else { return [] }
        let names = try removeUnusedNetworks { filter.accepts(created: $0.created, labels: $0.labels) }.map(\.name)
        EventLog(layers.store).addPrune(.network, freed: 0)
        return names
    }
}

extension VolumeStore {
    /// Removes the volumes that no container has.
    ///
    /// - Parameter all: Whether those with names go, too.
    public func prune(_ filter: PruneFilter, all takesNamed: Bool, containers: ContainerStore) throws
        -> (names: [String], bytes: Int64)
    {
        var (names, bytes): ([String], Int64) = ([], 0)
        for volume in try all() where takesNamed || volume.record.isAnonymous {
            guard filter.accepts(created: volume.record.created, labels: volume.record.labels) else { continue }
            let size = DiskUsage.of(contentOf: volume.files)
            do {
                try remove(volume.name, containers: containers)
            } catch ContainerStoreError.volumeInUse {
                continue
            }
            names.append(volume.name)
            bytes += size
        }
        EventLog(containers.layers.store).addPrune(.volume, freed: bytes)
        return (names, bytes)
    }
}
