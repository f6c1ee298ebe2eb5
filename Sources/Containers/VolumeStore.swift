internal import ContainerNetworks
internal import ContentStore
internal import FileSystem
internal import Glibc
public import Layers
public import OCI
public import SystemPackage
internal import Tar

/// Directories that outlive containers, each by its name in `volumes-v1`.
public struct VolumeStore: Sendable {
    private let layers: LayerStore

    public init(_ layers: LayerStore) { self.layers = layers }

    private var store: Store { layers.store }

    /// A volume.
    public struct Volume: Sendable {
        public let name: String
        public let record: Record
        /// The directory that containers see.
        public let files: FilePath
    }

    public struct Record: Sendable, Codable {
        public let created: Timestamp
        public var labels: [String: String] = [:]
        /// Whether it was made for one container that did not name it.
        public var isAnonymous = false
    }

    /// A name as Docker has it: a letter or digit, then also `_`, `.` and `-`.
    ///
    /// - Throws: `ContainerStoreError.invalidSetting`.
    public static func check(name: String) throws(ContainerStoreError) {
        guard (try? ContainerName(name)) != nil, !name.hasPrefix("/") else {
            throw .invalidSetting(
                "volume",
                name,
                reason: "a name has at least two of the characters a-z, A-Z, 0-9, `_`, `.` and `-`, the first a letter "
                    + "or digit; a path begins with `/` or `./`"
            )
        }
    }

    private func directory(_ name: String) -> FilePath { store[.volumes].appending(name) }

    /// All volumes, by name; what is not readable is left out.
    public func all() throws -> [Volume] {
        try FileOperations.names(in: store[.volumes]).map { String(decoding: $0, as: UTF8.self) }.sorted().compactMap {
            try? find($0)
        }
    }

    /// - Returns: `nil` where there is none.
    public func find(_ name: String) throws -> Volume? {
        try VolumeStore.check(name: name)
        let path = directory(name)
        let files = path.appending("data")
        try store.reclaim(files)
        guard FileStatus.ifPresent(LentDirectory.place(of: files) ?? files)?.kind == .directory else { return nil }
        let bytes = try FileOperations.readRegular(path.appending("volume.json"), limit: 1 << 20)
        let record = try CanonicalJSON.decode(Record.self, from: bytes)
        return Volume(name: name, record: record, files: files)
    }

    /// The volume of a name, which is created where there is none.
    public func open(_ name: String, labels: [String: String] = [:], isAnonymous: Bool = false) throws -> Volume {
        if let volume = try find(name) { return volume }
        let work = try TemporaryDirectory(in: store[.temporary])
        try FileOperations.createRoot(work.path.appending("data"))
        let record = Record(created: .now, labels: labels, isAnonymous: isAnonymous)
        try FileOperations.writeAtomically(
            try CanonicalJSON.encode(record),
            to: work.path.appending("volume.json"),
            temporary: store[.temporary]
        )
        do throws(SystemError) {
            try FileOperations.rename(work.path, to: directory(name))
            note("create", name)
        } catch  where [.directoryNotEmpty, .fileExists].contains(error.errno) {
            // Another process was faster.
        }
        guard let volume = try find(name) else { throw ContainerStoreError.notFound(name) }
        return volume
    }

    /// A volume without a name of its own.
    public func openAnonymous(labels: [String: String] = [:]) throws -> Volume {
        try open(ContainerID.random().description, labels: labels, isAnonymous: true)
    }

    /// Gives a volume in which there is nothing yet what an image has at a path, with owners and modes.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    public func fill(_ volume: Volume, from image: LayerStack, at path: String) throws {
        let lock = try FileLock.acquire(volume.files, .exclusive)
        defer { withExtendedLifetime(lock) {} }
        guard try FileOperations.names(in: volume.files).isEmpty else { return }
        let (resolved, node) = try image.view.resolve(PathInRoot(path))
        guard let node, node.entry.kind == .directory else { return }
        let writer = try TreeWriter(root: volume.files, whiteouts: .none)
        var root = LayerEntry.directory(.root)
        try image.walk(resolved) { entry, content in
            if entry.path.isRoot { root = entry } else { try writer.write(entry, content: content) }
        }
        try writer.write(root)
        try writer.finish()
    }

    /// Removes a volume.
    ///
    /// - Throws: `ContainerStoreError.notFound`, `.volumeInUse`.
    public func remove(_ name: String, containers: ContainerStore) throws {
        guard try find(name) != nil else { throw ContainerStoreError.noVolume(name) }
        if let user = try users(of: name, containers).first {
            throw ContainerStoreError.volumeInUse(name, by: user.record.name)
        }
        try store.discard(directory(name))
        note("destroy", name)
    }

    /// Removes the volumes that were made for a container which did not name them, and that no other one has.
    public func removeAnonymous(of container: Container, containers: ContainerStore) throws {
        for name in container.record.volumes {
            guard let volume = try find(name), volume.record.isAnonymous else { continue }
            if try users(of: name, containers).allSatisfy({ $0.id == container.id }) {
                try store.discard(directory(name))
                note("destroy", name)
            }
        }
    }

    private func note(_ action: String, _ name: String) {
        EventLog(layers.store).add(.volume, action, name, ["driver": "local"])
    }

    /// The containers that have a volume, whether they run or not.
    public func users(of name: String, _ containers: ContainerStore) throws -> [Container] {
        try containers.all(demandsAll: true).filter { $0.record.volumes.contains(name) }
    }
}
