public import FileSystem
internal import Glibc
public import OCI
public import SystemPackage
internal import Threads

/// The one directory in which everything is kept; itself a valid OCI image layout (image-layout.md).
///
/// Any number of processes may use one store. Every file in it is written aside and renamed into place.
public struct Store: Sendable {
    /// A directory of the store; the version suffix changes with the format, and prune removes unknown ones.
    public enum Bucket: String, CaseIterable, Sendable {
        case blobs = "blobs/sha256"
        case names = "names-v1"
        case images = "images-v1"
        case layers = "layers-v1"
        case claims = "claims-v1"
        case compressed = "compressed-v1"
        case cache = "cache-v1"
        case builds = "builds-v1"
        case logs = "logs-v1"
        case containers = "containers-v1"
        case volumes = "volumes-v1"
        case snapshots = "snapshots-v1"
        case erofs = "erofs-v1"
        case fingerprints = "fingerprints-v1"
        case sources = "sources-v1"
        case mounts = "mounts-v1"
        case networks = "networks-v1"
        case locks
        case temporary = "tmp"

        /// Whether whole trees of files are made in it.
        fileprivate var holdsTrees: Bool { [.temporary, .snapshots, .mounts, .containers, .volumes].contains(self) }
    }

    public let root: FilePath

    /// Opens a store, making its directories when it is new.
    ///
    /// - Throws: `SystemError` where the directory cannot be made or written to.
    public init(root: FilePath) throws(SystemError) {
        // Absolute, since a build may change directory-relative names for messages only.
        self.root = root.absolute
        try makePrivate()
        // Each is looked for, since a layout of another tool or of an older version has only some of them.
        for bucket in Bucket.allCases where FileStatus.ifPresent(self[bucket]) == nil {
            try make(bucket)
        }
        if FileStatus.ifPresent(self.root.appending("oci-layout")) == nil {
            try FileOperations.writeAtomically(
                Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8),
                to: self.root.appending("oci-layout"),
                temporary: self[.temporary]
            )
        }
    }

    /// Makes the directory, or closes it to everybody but its owner, as Docker's is.
    ///
    /// It shows what is in images, and the arguments of builds. A group that somebody has given it may pass through.
    private func makePrivate() throws(SystemError) {
        guard var status = FileStatus.ifPresent(root) else {
            let parent = root.removingLastComponent()
            if !parent.isEmpty { try FileOperations.createDirectories(parent) }
            return try createUnlessPresent(root)
        }
        var root = root
        if status.kind == .symbolicLink {
            // What it leads to is the store; one that leads nowhere is complained about later.
            guard let target = root.resolved, let found = FileStatus.ifPresent(target) else { return }
            (root, status) = (target, found)
        }
        let allowed: UInt16 = status.groupID == getegid() ? 0o700 : 0o710
        guard status.kind == .directory, status.permissions & 0o777 & ~allowed != 0, status.userID == geteuid() else {
            return
        }
        let names = try FileOperations.names(in: root).map { String(decoding: $0, as: UTF8.self) }
        for name in names where Store.isOwn(name) {
            let path = root.appending(name)
            if FileStatus.ifPresent(path)?.userID == geteuid() { try FileOperations.restrict(path, to: 0o700) }
        }
        // A directory with other things in it, such as /tmp, stays as it is.
        if names.allSatisfy(Store.isOwn) { try FileOperations.restrict(root, to: allowed) }
    }

    /// Whether a name in the directory is the store's, of whichever version.
    private static func isOwn(_ name: String) -> Bool {
        ["blobs", "locks", "tmp", "oci-layout", "index.json", "events", "events.1", "lost+found"].contains(name)
            || name.split(separator: "-").last.map { $0.first == "v" && $0.dropFirst().allSatisfy(\.isNumber) } ?? false
    }

    private func make(_ bucket: Bucket) throws(SystemError) {
        let path = self[bucket]
        if path.removingLastComponent() != root { try createUnlessPresent(path.removingLastComponent()) }
        try createUnlessPresent(path)
        if bucket.holdsTrees { FileOperations.spreadDirectories(in: path) }
    }

    private func createUnlessPresent(_ path: FilePath) throws(SystemError) {
        do {
            try FileOperations.createRoot(path, permissions: 0o700)
        } catch  where error.errno == .fileExists {
            // Another process may have been faster.
            return
        }
    }

    /// Names a store that need not exist, for callers that only look.
    public init(lookingAt root: FilePath) { self.root = root.absolute }

    /// The directory of one kind of content.
    public subscript(bucket: Bucket) -> FilePath { root.pushing(FilePath(bucket.rawValue)) }

    /// What was found out about the machine; found out anew where it is missing.
    public var machineRecord: FilePath { self[.locks].appending("isolation") }

    /// Where blobs are.
    public var blobs: BlobStore { BlobStore(directory: self[.blobs], temporary: self[.temporary]) }

    /// Held shared by whatever uses content that no name points to yet, exclusively by prune.
    public func lock(_ mode: FileLock.Mode) throws(SystemError) -> FileLock {
        try FileLock.acquire(self[.locks].appending("store"), mode)
    }

    /// Held while the content with this key is made, so that it is made once.
    public func lock(key: Digest) throws(SystemError) -> FileLock {
        try FileLock.acquire(self[.locks].appending("keys"), slot: slot(key))
    }

    /// The same lock if it is free.
    public func tryLock(key: Digest) throws(SystemError) -> FileLock? {
        try FileLock.tryAcquire(self[.locks].appending("keys"), slot: slot(key))
    }

    /// The same, waited for without keeping a thread, so that a cancellation ends the wait.
    public func waitForLock(key: Digest) async throws -> FileLock {
        while true {
            try Task.checkCancellation()
            if let lock = try tryLock(key: key) { return lock }
            try await Pause.wait(seconds: 0.005)
        }
    }

    /// Keeps others from borrowing a file or directory as long as the lock lives, and takes it back from a program that was
    /// killed (`LentDirectory`).
    ///
    /// - Returns: `nil` where another has it.
    public func tryHold(_ path: FilePath) throws(SystemError) -> FileLock? {
        guard let lock = try tryLock(key: SHA256Hasher.digest(of: "lent \(path)")) else { return nil }
        try LentDirectory.takeBack(path)
        return lock
    }

    /// Takes a directory back from a program that was killed, if it is lent.
    public func reclaim(_ directory: FilePath) throws(SystemError) {
        if LentDirectory.place(of: directory) != nil { _ = try tryHold(directory) }
    }

    private func slot(_ key: Digest) -> UInt64 {
        key.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}
