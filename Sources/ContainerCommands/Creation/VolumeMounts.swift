import ContainerRuntime
import Containers
import FileSystem
import Formatting
import Glibc
import Layers
import Reporting
import SystemPackage
import Tar

/// The mounts of a container, from what `-v`, `--mount`, `--tmpfs`, `--volumes-from` and the image's VOLUME say.
struct VolumeMounts {
    private let store: VolumeStore
    private let image: LayerStack
    private(set) var mounts: [ProcessSpecification.Mount] = []
    /// The names of volumes.
    private(set) var names: [String] = []

    init(_ store: VolumeStore, _ image: LayerStack) {
        (self.store, self.image) = (store, image)
    }

    // MARK: -v

    /// Adds what `-v` says: `[SOURCE:]PATH[:OPTION,…]`, where a source with a slash is a path of this machine, which is
    /// made where it is missing, and another one a volume.
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
        let options = parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : []
        for option in options {
            if let reason = VolumeMounts.refusal(of: option) {
                throw ContainerError.invalidVolume(text, reason: reason)
            }
        }
        let isReadOnly = options.contains("ro")
        if parts.count == 1 { return try addVolume(try store.openAnonymous(), target, isReadOnly) }
        let source = parts[0]
        guard source.contains("/") || source.hasPrefix(".") || source.hasPrefix("~") else {
            let isNotFilled = options.contains("nocopy")
            return try addVolume(try store.open(source), target, isReadOnly, isNotFilled: isNotFilled)
        }
        if options.contains("nocopy") {
            throw ContainerError.invalidVolume(text, reason: "`nocopy` is for volumes, and `\(source)` is a path")
        }
        try addBind(source, target, isReadOnly, createsSource: true)
    }

    /// Why an option of `-v` cannot be followed; `nil` for one that can.
    private static func refusal(of option: String) -> String? {
        switch option {
        case "ro", "rw", "nocopy": return nil
        // Mounts are private, and consistency is one of Docker Desktop's.
        case "private", "rprivate", "consistent", "cached", "delegated": return nil
        case "z", "Z":
            // Files need no other label where nothing looks at it.
            return FileStatus.ifPresent("/sys/fs/selinux/enforce") == nil
                ? nil : "`\(option)`: files are not labelled for SELinux; `chcon -t container_file_t` does it"
        case "shared", "rshared", "slave", "rslave": return "`\(option)`: mounts of a container are private"
        default: return "unknown option `\(option)`"
        }
    }

    // MARK: --mount

    /// - Throws: `UserError`, `ContainerError.invalidVolume`, `ContainerStoreError`, `SystemError`.
    mutating func add(_ option: MountOption) throws {
        switch option.kind {
        case .tmpfs:
            let source = ProcessSpecification.Mount.Source.memory(size: option.memorySize, options: option.memory)
            try append(.init(source, target: option.target, isReadOnly: option.isReadOnly))
        case .bind:
            try addBind(option.source ?? "", option.target, option.isReadOnly, createsSource: option.createsSource)
        case .volume:
            let volume = try option.source.map { try store.open($0, labels: option.labels) } ?? store.openAnonymous()
            guard let subpath = option.subpath else {
                return try addVolume(volume, option.target, option.isReadOnly, isNotFilled: option.isNotFilled)
            }
            let root = OpenFile(try OwnedDescriptor(volume.files, O_RDONLY | O_DIRECTORY))
            let found = try? FileLocation("/" + subpath, inRoot: root.descriptor, followingLast: true)
            guard found?.status != nil else {
                throw UserError("--mount: `\(subpath)` does not exist in the volume `\(volume.name)`", status: .usage)
            }
            names.append(volume.name)
            let source = ProcessSpecification.Mount.Source.inside(root: volume.files.string, path: subpath)
            try append(.init(source, target: option.target, isReadOnly: option.isReadOnly))
        }
    }

    // MARK: Others

    /// Adds the volumes and directories of another container where nothing else is mounted.
    mutating func addAll(from other: Container, isReadOnly: Bool) throws {
        for mount in other.record.process.mounts where !isTaken(mount.target ?? "/") {
            switch mount.source {
            case .bind, .inside: break
            default: continue
            }
            let isReadOnly = isReadOnly || mount.isReadOnly
            try append(.init(mount.source, target: mount.target, isReadOnly: isReadOnly))
        }
        names += other.record.volumes.filter { !names.contains($0) }
    }

    /// Adds a volume for a VOLUME of the image, unless something is mounted there.
    mutating func addAnonymous(_ path: String) throws {
        if !isTaken(path) { try addVolume(try store.openAnonymous(), path, false) }
    }

    /// Adds what `--tmpfs` says: `PATH[:size=N,…]`; as with Docker, programs there cannot be executed.
    mutating func addMemory(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts[0].hasPrefix("/") else {
            throw UserError("--tmpfs: `\(parts[0])` is not an absolute path", status: .usage)
        }
        var (size, isReadOnly) = (UInt64?.none, false)
        var options = ProcessSpecification.Mount.MemoryOptions()
        for option in parts.count == 2 ? parts[1].split(separator: ",") : [] {
            let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
            let value = pair.count == 2 ? pair[1] : ""
            switch pair[0] {
            case "size" where ByteSize.binary(value) ?? -1 >= 0: size = ByteSize.binary(value).map { UInt64($0) }
            case "mode": options.permissions = try MountOption.mode(value, of: "--tmpfs")
            case "uid" where UInt32(value) != nil: options.userID = UInt32(value) ?? 0
            case "gid" where UInt32(value) != nil: options.groupID = UInt32(value) ?? 0
            case "ro", "rw": isReadOnly = pair[0] == "ro"
            case "exec", "noexec": options.forbidsPrograms = pair[0] == "noexec"
            case "nosuid", "nodev": break
            default:
                throw UserError(
                    "--tmpfs: cannot use `\(option)`",
                    hints: ["known are size=N, mode=OCTAL, uid=N, gid=N, ro, rw, exec, noexec, nosuid and nodev"],
                    status: .usage
                )
            }
        }
        try append(.init(.memory(size: size, options: options), target: parts[0], isReadOnly: isReadOnly))
    }

    // MARK: All

    private func isTaken(_ target: String) -> Bool {
        mounts.contains { $0.target.map { PathInRoot($0) } == PathInRoot(target) }
    }

    private mutating func append(_ mount: ProcessSpecification.Mount) throws {
        let target = mount.target ?? "/"
        guard !PathInRoot(target).isRoot else {
            throw UserError("nothing can be mounted on the root of the container", status: .usage)
        }
        guard !isTaken(target) else { throw UserError("two mounts have the target `\(target)`", status: .usage) }
        mounts.append(mount)
    }

    private mutating func addBind(_ source: String, _ target: String, _ isReadOnly: Bool, createsSource: Bool) throws {
        if FileStatus.ifPresent(FilePath(source)) == nil {
            guard createsSource else {
                throw UserError(
                    "--mount: the source `\(source)` does not exist",
                    hints: ["`bind-create-src` makes a directory of it"],
                    status: .usage
                )
            }
            try FileOperations.createDirectories(FilePath(source).absolute)
        }
        try append(try ProcessSpecification.Mount(binding: source, target: target, isReadOnly: isReadOnly))
    }

    private mutating func addVolume(
        _ volume: VolumeStore.Volume,
        _ target: String,
        _ isReadOnly: Bool,
        isNotFilled: Bool = false
    ) throws {
        if !isNotFilled { try store.fill(volume, from: image, at: target) }
        if !names.contains(volume.name) { names.append(volume.name) }
        try append(.init(.bind(path: volume.files.string), target: target, isReadOnly: isReadOnly))
    }
}
