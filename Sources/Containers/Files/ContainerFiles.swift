internal import CLinux
internal import ContainerRuntime
internal import FileSystem
internal import Glibc
internal import Sandbox
internal import Snapshots
internal import SystemPackage

/// The files of a container as its processes see them, those on its volumes among them.
///
/// Those of a running container are looked at through its process. For another one they are mounted, and it cannot be
/// started meanwhile.
public final class ContainerFiles: Sendable {
    let container: Container
    let root: OpenFile
    private let held: HeldFilesystem?
    private let lock: FileLock?

    /// - Throws: `ContainerStoreError.notFound`, `LayerError`, `SandboxError`, `SystemError`.
    public init(_ container: Container) throws {
        let (store, id) = (container.store, container.id)
        while true {
            let container = try store.container(id)
            let state = container.state
            if state.processID != 0, let root = try? ContainerFiles.open(container.rootWhileRunning),
                ProcessIdentity.isProcess(of: state)
            {
                (self.container, self.root, held, lock) = (container, root, nil, nil)
                return
            }
            if let lock = try store.tryLockSupervisor(id) {
                let held = try store.hold(container.record, isReadOnly: container.record.isRootReadOnly)
                (self.container, self.held, self.lock) = (container, held, lock)
                root = try ContainerFiles.open(held.root)
                return
            }
            // It is about to start or to end, or somebody else copies files.
            usleep(10_000)
        }
    }

    private static func open(_ root: FilePath) throws(SystemError) -> OpenFile {
        OpenFile(try OwnedDescriptor(root, O_RDONLY | O_DIRECTORY))
    }

    /// Looks a path up, absolute or not, without following a link out of the container.
    ///
    /// - Throws: `FileCopyError.systemFile`, `SystemError`.
    func location(_ path: String, followingLast: Bool) throws -> FileLocation {
        let found = try FileLocation("/" + path, inRoot: root.descriptor, followingLast: followingLast)
        // What is there has no size, and is no content of the container's.
        guard sb_is_of_kernel(found.directory.descriptor) == 0 else { throw FileCopyError.systemFile(path) }
        return found
    }

    /// What is mounted below a directory and not part of the container's files, relative to it.
    static let surroundings = ["proc", "sys", "dev"]
}

extension ContainerStore {
    /// Mounts the files of a container that does not run, with its volumes where something may be changed.
    func hold(_ record: ContainerRecord, isReadOnly: Bool, withVolumes: Bool = true) throws -> HeldFilesystem {
        let (isolation, snapshots) = (try Isolation(store).strongest(), SnapshotStore(layers))
        guard case .kept(let directory, let layers) = try rootFilesystem(of: record, isolation, snapshots) else {
            preconditionFailure("the files of a container are kept")
        }
        func hold() throws -> HeldFilesystem {
            try ProcessLauncher(snapshots, isolation).hold(
                directory,
                layers: layers,
                mounts: withVolumes ? record.process.mounts : [],
                isReadOnly: isReadOnly
            )
        }
        do {
            return try hold()
        } catch let error as SandboxError {
            // Unpacked layers may do where mounted ones do not.
            guard snapshots.mounts.giveUp() else { throw error }
            return try hold()
        }
    }
}
