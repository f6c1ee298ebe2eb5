public import ContainerNetworks
internal import FileSystem
internal import OCI
internal import Synchronization
internal import SystemPackage
internal import Threads

extension ContainerStore {
    var ids: [ContainerID] {
        get throws {
            // A command that only looks makes no store.
            guard FileStatus.ifPresent(root) != nil else { return [] }
            return try FileOperations.names(in: root).compactMap { ContainerID(String(decoding: $0, as: UTF8.self)) }
        }
    }

    /// What lists show of all containers, the one that was created last first, and why others are not among them.
    public func summaries() throws -> (containers: [ContainerSummary], unreadable: [any Error]) {
        let (found, unreadable) = try collect(summary)
        return (found.sorted { $1.order < $0.order }, unreadable)
    }

    /// All containers that are readable, the one that was created last first.
    ///
    /// - Parameter demandsAll: Whether it is an error that one is not readable: what it needs must not be guessed.
    public func all(demandsAll: Bool = false) throws -> [Container] {
        let (found, unreadable) = try collect(container)
        if demandsAll, let error = unreadable.first { throw error }
        return found.sorted { $1.order < $0.order }
    }

    /// What is read of each container, in no particular order.
    private func collect<Value: Sendable>(_ read: (ContainerID) throws -> Value) throws -> ([Value], [any Error]) {
        let ids = try ids
        let results = Mutex<(found: [Value], unreadable: [any Error])>(([], []))
        // For a few, starting a thread takes longer.
        let threads = min(ids.count / 16 + 1, WorkerGroup.processorCount)
        WorkerGroup.forEach(below: ids.count, limit: threads) { index in
            let result = Result { try read(ids[index]) }
            results.withLock {
                switch result {
                case .success(let value): $0.found.append(value)
                // It was removed meanwhile.
                case .failure(ContainerStoreError.notFound): break
                case .failure(let error): $0.unreadable.append(error)
                }
            }
        }
        return results.withLock { ($0.found, $0.unreadable) }
    }

    /// What lists show of one container.
    ///
    /// - Throws: `ContainerStoreError.notFound`, `.damaged`.
    public func summary(_ id: ContainerID) throws -> ContainerSummary {
        func part(_ name: String) throws -> JSONMembers { try read(id, name) { try JSONMembers($0) } }
        func summary() throws -> ContainerSummary {
            try ContainerSummary(id, self, try part("container.json"), try part("state.json"))
        }
        let found = try summary()
        guard found.status.isRunning, !isSupervised(id) else { return found }
        // Corrects what the file says.
        _ = try state(of: id)
        return try summary()
    }

    /// What containers are called; what is damaged has no name any more.
    func names() throws -> [String: ContainerID] {
        let pairs = try ids.compactMap { id in
            (try? read(id, "container.json") { try JSONMembers($0).text("name") }).map { ($0, id) }
        }
        return Dictionary(pairs) { first, _ in first }
    }
}

extension ContainerSummary {
    fileprivate var order: (String, String) { (created.description, id.description) }
}

extension Container {
    fileprivate var order: (String, String) { (record.created.description, id.description) }
}
