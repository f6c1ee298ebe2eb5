public import ContainerNetworks
internal import ContainerRuntime
internal import ContentStore
internal import FileSystem
internal import Glibc
public import Layers
internal import OCI
public import SystemPackage
internal import Threads

/// The containers of a store, each in a directory of `containers-v1` that is called by its ID.
///
/// | File | Content |
/// | --- | --- |
/// | `container.json` | `ContainerRecord` |
/// | `state.json` | `ContainerState` |
/// | `files/` | files that it has beside those of its image, by number |
/// | `fs/` | what the container has written, as overlayfs's upper directory |
/// | `log`, `log.1`, … | what its process wrote, as Docker's json-file |
/// | `supervisor` | locked exclusively by the supervisor as long as it lives |
/// | `control` | the socket on which the supervisor listens |
public struct ContainerStore: Sendable {
    public let layers: LayerStore

    public init(_ layers: LayerStore) { self.layers = layers }

    var store: Store { layers.store }
    var root: FilePath { store[.containers] }

    /// The directory of a container.
    public func directory(_ id: ContainerID) -> FilePath { root.appending(id.description) }

    // MARK: Finding

    /// The container with a name, an ID or the beginning of one.
    ///
    /// - Throws: `ContainerStoreError.notFound`, `.ambiguous`, `.damaged`.
    public func find(_ text: String) throws -> Container {
        if let id = ContainerID(text) { return try container(id) }
        let name = text.hasPrefix("/") ? String(text.dropFirst()) : text
        if let id = try names()[name], let named = try existing(id) { return named }
        let matches = text.isEmpty ? [] : try ids.filter { $0.description.hasPrefix(text) }
        guard matches.count < 2 else { throw ContainerStoreError.ambiguous(text, count: matches.count) }
        guard let match = matches.first, let container = try existing(match) else {
            throw ContainerStoreError.notFound(text)
        }
        return container
    }

    /// The container with an ID; `nil` where it was removed, or is now since its supervisor was killed.
    private func existing(_ id: ContainerID) throws -> Container? {
        do {
            return try container(id)
        } catch ContainerStoreError.notFound {
            return nil
        }
    }

    /// - Throws: `ContainerStoreError.damaged`, `SystemError`.
    public func container(_ id: ContainerID) throws -> Container {
        let record: ContainerRecord = try read(id, "container.json")
        return Container(store: self, record: record, state: try state(of: id))
    }

    /// What the state file says, corrected by whether there is a supervisor.
    func state(of id: ContainerID) throws -> ContainerState {
        let state: ContainerState = try read(id, "state.json")
        guard state.isRunning, !isSupervised(id) else { return state }
        defer { if !state.endpoints.isEmpty { try? networks.clean() } }
        guard let lock = try tryLockSupervisor(id) else { return try read(id, "state.json") }
        defer { withExtendedLifetime(lock) {} }
        return try correctedState(of: id)
    }

    /// Records that a container has lost its supervisor, or removes it where that is what was to become of it.
    private func correctedState(of id: ContainerID) throws -> ContainerState {
        // Read under the lock: it may have ended since.
        var state: ContainerState = try read(id, "state.json")
        guard state.isRunning else { return state }
        ControlGroup.removeLeftOver(of: id)
        try DisplacedFiles.restore(in: directory(id))
        if let supervisor = state.supervisorID { TemporaryDirectory.sweep(store[.temporary], of: supervisor) }
        let record: ContainerRecord = try read(id, "container.json")
        if record.isRemovedAfterwards {
            let container = Container(store: self, record: record, state: ContainerState())
            try? VolumeStore(layers).removeAnonymous(of: container, containers: self)
            note("die", record, ["exitCode": "137"])
            note("destroy", record)
            try store.discard(directory(id))
            throw ContainerStoreError.notFound(id.short)
        }
        state.status = .dead
        state.processID = 0
        state.endpoints = []
        state.exitCode = 137
        state.error =
            state.bootID == BootID.current.description
            ? "the supervisor ended unexpectedly" : "the machine was restarted"
        state.finished = Timestamp.now
        try write(state, id, "state.json")
        note("die", record, ["exitCode": "137"])
        return state
    }

    func read<Value: Decodable>(_ id: ContainerID, _ name: String) throws -> Value {
        try read(id, name) { try CanonicalJSON.decode(Value.self, from: $0) }
    }

    func read<Value>(_ id: ContainerID, _ name: String, _ decode: ([UInt8]) throws -> Value) throws -> Value {
        let path = directory(id).appending(name)
        do {
            return try decode(try FileOperations.readRegular(path, limit: 16 << 20))
        } catch let error as SystemError
            where error.errno == .noSuchFileOrDirectory && FileStatus.ifPresent(directory(id)) == nil
        {
            throw ContainerStoreError.notFound(id.short)
        } catch let error as SystemError {
            throw ContainerStoreError.damaged(id, reason: "`\(name)`: \(error.reason)")
        } catch is DecodingError {
            throw ContainerStoreError.damaged(id, reason: "`\(name)` is not what was written")
        }
    }

    func write(_ value: some Encodable, _ id: ContainerID, _ name: String) throws {
        let bytes = try CanonicalJSON.encode(value)
        try FileOperations.writeAtomically(bytes, to: directory(id).appending(name), temporary: store[.temporary])
    }

    /// Writes a state where the old one is, since a disk that is full has room there.
    func overwrite(_ state: ContainerState, _ id: ContainerID) throws {
        let (bytes, path) = (try CanonicalJSON.encode(state), directory(id).appending("state.json"))
        let file = try OwnedDescriptor(path, O_WRONLY)
        try bytes.withUnsafeBytes { try FileOperations.write($0, to: file.rawValue, path: path) }
        ftruncate(file.rawValue, off_t(bytes.count))
    }

    // MARK: Locks

    /// Held for changes that concern names.
    private func lockNames() throws -> FileLock {
        try FileLock.acquire(store[.locks].appending("containers"), .exclusive)
    }

    /// The lock that a supervisor holds, if there is none; whoever has it decides what becomes of the container.
    func tryLockSupervisor(_ id: ContainerID) throws -> FileLock? {
        try FileLock.tryAcquire(directory(id).appending("supervisor"), slot: 0)
    }

    /// The same lock, waited for: others hold it for as long as they copy files, start or end.
    ///
    /// - Parameter seconds: How long.
    /// - Throws: `ContainerStoreError.running`, `.filesInUse`.
    func lockSupervisor(_ id: ContainerID, waiting seconds: Int64) throws -> FileLock {
        let end = Pause.now + seconds * 1_000_000_000
        while true {
            if let lock = try tryLockSupervisor(id) { return lock }
            let container = try container(id)
            if container.state.isRunning { throw ContainerStoreError.running(container.record.name) }
            guard Pause.now < end else { throw ContainerStoreError.filesInUse(container.record.name) }
            usleep(10_000)
        }
    }

    /// Whether the container has a supervisor.
    func isSupervised(_ id: ContainerID) -> Bool { FileLock.isHeld(directory(id).appending("supervisor"), slot: 0) }

    // MARK: Changing

    /// Creates a container; nothing runs yet.
    ///
    /// - Parameters:
    ///   - files: What it has beside the files of its image; the record has mounts of them.
    ///   - make: Makes the record for a name: the one that is wanted, or one that nobody has.
    /// - Throws: `ContainerStoreError.nameInUse`.
    public func create(
        named wanted: ContainerName?,
        files: [ContainerFile] = [],
        _ make: (ContainerName) throws -> ContainerRecord
    ) throws -> Container {
        // What commands and supervisors that were killed had not finished.
        TemporaryDirectory.sweep(store[.temporary])
        let work = try TemporaryDirectory(in: store[.temporary])
        try FileOperations.createRoot(work.path.appending("fs"))
        try files.write(to: work.path)
        return try add(named: wanted, ContainerState(), make) { place, complete in
            try complete(work.path)
            try FileOperations.rename(work.path, to: place)
        }
    }

    /// Adds a container, of which no half is ever seen.
    ///
    /// - Parameter placing: Moves the directory with the container's files to a path, once everything else is in it too.
    /// - Throws: `ContainerStoreError.nameInUse`.
    func add(
        named wanted: ContainerName?,
        _ state: ContainerState,
        _ make: (ContainerName) throws -> ContainerRecord,
        placing: (FilePath, _ complete: (FilePath) throws -> Void) throws -> Void
    ) throws -> Container {
        let lock = try lockNames()
        defer { withExtendedLifetime(lock) {} }
        let names = try names()
        if let wanted { try checkFree(wanted, names) }
        let record = try make(wanted ?? .random(except: Set(names.keys)))
        let documents = [
            ("container.json", try CanonicalJSON.encode(record)), ("state.json", try CanonicalJSON.encode(state)),
        ]
        try placing(directory(record.id)) { work in
            for (name, bytes) in documents {
                try FileOperations.writeAtomically(bytes, to: work.appending(name), temporary: store[.temporary])
            }
        }
        note("create", record)
        return Container(store: self, record: record, state: state)
    }

    /// - Throws: `ContainerStoreError.nameInUse`.
    public func checkIsFree(_ name: ContainerName) throws {
        try checkFree(name, try names())
    }

    /// Gives a container another name.
    ///
    /// - Throws: `ContainerStoreError.nameInUse`.
    public func rename(_ id: ContainerID, to name: ContainerName) throws {
        let lock = try lockNames()
        defer { withExtendedLifetime(lock) {} }
        try checkIsFree(name)
        let oldName = try container(id).record.name
        try change(id) { $0.name = name }
        note("rename", id, ["oldName": "/\(oldName)"])
        try networks.rename(id, to: name.description)
    }

    private func checkFree(_ name: ContainerName, _ names: [String: ContainerID]) throws {
        guard let id = names[name.description], try existing(id) != nil else { return }
        throw ContainerStoreError.nameInUse(name, by: id)
    }

    /// Changes what was asked for, while `lockNames` is held.
    private func change(_ id: ContainerID, _ body: (inout ContainerRecord) throws -> Void) throws {
        var record: ContainerRecord = try read(id, "container.json")
        try body(&record)
        try write(record, id, "container.json")
    }

    /// Changes the networks of a container, also of a running one.
    func changeNetwork(of id: ContainerID, _ body: (inout ContainerNetwork) throws -> Void) throws {
        let lock = try lockNames()
        defer { withExtendedLifetime(lock) {} }
        try change(id) { try body(&$0.network) }
    }

    /// Removes a container that does not run.
    ///
    /// - Parameter seconds: How long it waits for those who copy its files.
    /// - Throws: `ContainerStoreError.running`, `.filesInUse`.
    public func remove(_ container: Container, waiting seconds: Int64 = 0) throws {
        let lock = try lockSupervisor(container.id, waiting: seconds)
        defer { withExtendedLifetime(lock) {} }
        // Its supervisor may have been killed before it could say that it runs.
        ControlGroup.removeLeftOver(of: container.id)
        try DisplacedFiles.restore(in: directory(container.id))
        try store.discard(directory(container.id))
        note("destroy", container.record)
    }

    /// The names of the networks that containers are to be in, also of those that do not run.
    public func usedNetworks() throws -> Set<String> { Set(try all().flatMap(\.record.network.names)) }

    /// Removes the networks that no container is to be in.
    ///
    /// - Parameter isSelected: Whether a network is to be removed then.
    /// - Throws: `NetworkError`, `SystemError`.
    public func removeUnusedNetworks(where isSelected: (NetworkRecord) -> Bool) throws -> [NetworkRecord] {
        let used = try usedNetworks()
        return try networks.prune { !used.contains($0.name) && isSelected($0) }
    }

    /// Removes a container whose record is not readable, with its process.
    public func removeDamaged(_ id: ContainerID) throws {
        if let supervisor = try ControlSocket.connect(to: directory(id)) {
            defer { close(supervisor) }
            let request = try CanonicalJSON.encode(Request.remove) + [UInt8(ascii: "\n")]
            // One that ends meanwhile neither hears nor answers; its lock tells that it is gone.
            try? request.withUnsafeBytes { try FileOperations.write($0, to: supervisor, path: "the supervisor") }
            _ = try? FileOperations.read(descriptor: supervisor, path: "the supervisor")
        }
        guard FileStatus.ifPresent(directory(id)) != nil else { return }
        guard let lock = try tryLockSupervisor(id) else {
            throw ContainerStoreError.damaged(id, reason: "its supervisor does not answer")
        }
        defer { withExtendedLifetime(lock) {} }
        ControlGroup.removeLeftOver(of: id)
        try store.discard(directory(id))
        try? networks.clean()
    }

    /// The layers that containers are made of, those of their mounts among them.
    ///
    /// - Parameter removed: Containers that do not count.
    /// - Throws: `ContainerStoreError.damaged`: what a container needs that is not readable must not be guessed.
    public func layersInUse(except removed: Set<ContainerID> = []) throws -> [Layer] {
        try ids.filter { !removed.contains($0) }.flatMap { id in
            do {
                let record: ContainerRecord = try read(id, "container.json")
                return record.process.mounts.reduce(into: record.layers) { layers, mount in
                    if case .image(let files, _) = mount.source { layers += files }
                }
            } catch ContainerStoreError.notFound {
                return []
            }
        }
    }
}

/// A container as it was when it was looked up.
public struct Container: Sendable {
    let store: ContainerStore
    public internal(set) var record: ContainerRecord
    public let state: ContainerState
    /// What it runs in the place of its own command.
    var replacement: CommandReplacement?

    public var id: ContainerID { record.id }
    public var directory: FilePath { store.directory(record.id) }
    /// The directory of the store.
    public var root: FilePath { store.store.root }
}
