import ContainerRuntime
import Containers
import FileSystem
import Formatting
import Glibc
import Layers
import Reporting
import SystemPackage
import Tar

/// The mounts of a container, from what `-v`, `--tmpfs` and the image's VOLUME say.
struct VolumeMounts {
    private let store: VolumeStore
    private let image: LayerStack
    private(set) var mounts: [ProcessSpecification.Mount] = []
    /// The names of volumes.
    private(set) var names: [String] = []

    init(_ store: VolumeStore, _ image: LayerStack) {
        (self.store, self.image) = (store, image)
    }

    /// Adds what `-v` says: `[SOURCE:]PATH[:ro|rw]`, where a source with a slash is a path of this machine, which is made
    /// where it is missing, and another one a volume.
    ///
    /// - Throws: `ContainerError.invalidVolume`, `ContainerStoreError`, `SystemError`.
    mutating func add(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw ContainerError.invalidVolume(text, reason: "expected [SOURCE:]PATH[:ro]")
        }
        let target = parts.count == 1 ? parts[0] : parts[1]
        guard target.hasPrefix("/"), !PathInRoot(target).isRoot else {
            throw ContainerError.invalidVolume(
                text,
                reason: "the path in the container must begin with / and not be the root"
            )
        }
        var isReadOnly = false
        for option in parts.count == 3 ? parts[2].split(separator: ",") : [] {
            switch option {
            case "ro": isReadOnly = true
            case "rw", "z", "Z", "nocopy", "delegated", "cached", "consistent", "rprivate", "rslave": break
            default: throw ContainerError.invalidVolume(text, reason: "unknown option `\(option)`")
            }
        }
        if parts.count == 1 { return try addVolume(try store.openAnonymous(), target, isReadOnly) }
        let source = parts[0]
        guard source.contains("/") || source.hasPrefix(".") || source.hasPrefix("~") else {
            return try addVolume(try store.open(source), target, isReadOnly)
        }
        if FileStatus.ifPresent(FilePath(source)) == nil {
            try FileOperations.createDirectories(FilePath(source).absolute)
        }
        mounts.append(try ProcessSpecification.Mount(volume: "\(source):\(target)" + (isReadOnly ? ":ro" : "")))
    }

    /// Adds a volume for a VOLUME of the image, unless something is mounted there.
    mutating func addAnonymous(_ path: String) throws {
        guard !mounts.contains(where: { $0.target.map(PathInRoot.init) == PathInRoot(path) }) else { return }
        try addVolume(try store.openAnonymous(), path, false)
    }

    private mutating func addVolume(_ volume: VolumeStore.Volume, _ target: String, _ isReadOnly: Bool) throws {
        try store.fill(volume, from: image, at: target)
        names.append(volume.name)
        mounts.append(.init(.bind(path: volume.files.string), target: target, isReadOnly: isReadOnly))
    }

    /// Adds what `--tmpfs` says: `PATH[:size=N,…]`.
    mutating func addMemory(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts[0].hasPrefix("/") else {
            throw UserError("--tmpfs: `\(parts[0])` is not an absolute path", status: .usage)
        }
        var size: UInt64?
        for option in parts.count == 2 ? parts[1].split(separator: ",") : [] {
            let pair = option.split(separator: "=", maxSplits: 1)
            if pair[0] == "size", pair.count == 2, let bytes = ByteSize.binary(String(pair[1])) {
                size = UInt64(bytes)
            } else if !["rw", "noexec", "nosuid", "nodev", "exec"].contains(pair[0]) {
                throw UserError("--tmpfs: unknown option `\(option)`; known is size=N", status: .usage)
            }
        }
        mounts.append(.init(.memory(size: size), target: parts[0]))
    }
}
