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
///
/// Adding one only checks it; `make` makes what is missing, once everything about the container is known to be right.
struct VolumeMounts {
    private let store: VolumeStore
    private let image: LayerStack
    private var mounts: [Planned] = []
    /// The names of volumes.
    private var names: [String] = []

    private struct Planned {
        enum Source {
            case existing(ProcessSpecification.Mount.Source)
            /// A directory of this machine that is made.
            case directory(String)
            /// The volume of a name, or one without.
            case volume(String?, labels: [String: String] = [:], isNotFilled: Bool = false)
        }

        let source: Source
        let target: String
        let isReadOnly: Bool
    }

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
        if parts.count == 1 { return try append(.volume(nil), target, isReadOnly) }
        let source = parts[0]
        guard source.contains("/") || source.hasPrefix(".") || source.hasPrefix("~") else {
            try VolumeStore.check(name: source)
            return try append(.volume(source, isNotFilled: options.contains("nocopy")), target, isReadOnly)
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
            try append(.existing(source), option.target, option.isReadOnly)
        case .bind:
            try addBind(option.source ?? "", option.target, option.isReadOnly, createsSource: option.createsSource)
        case .volume:
            if let name = option.source { try VolumeStore.check(name: name) }
            if let subpath = option.subpath { return try add(subpath, of: option) }
            let source = Planned.Source.volume(
                option.source,
                labels: option.labels,
                isNotFilled: option.isNotFilled
            )
            try append(source, option.target, option.isReadOnly)
        case .image:
            // What is written there would be gone with the process.
            let path = "/" + (option.subpath ?? "")
            try append(.existing(.image(layers: option.layers, path: path)), option.target, true)
        }
    }

    /// A path in a volume, which has to be there.
    private mutating func add(_ subpath: String, of option: MountOption) throws {
        let volume = try option.source.flatMap { try store.find($0) }
        let root = try volume.map { OpenFile(try OwnedDescriptor($0.files, O_RDONLY | O_DIRECTORY)) }
        let found = root.flatMap { try? FileLocation("/" + subpath, inRoot: $0.descriptor, followingLast: true) }
        guard let volume, found?.status != nil else {
            let name = option.source.map { " `\($0)`" } ?? ""
            throw UserError("--mount: `\(subpath)` does not exist in the volume\(name)", status: .usage)
        }
        if !names.contains(volume.name) { names.append(volume.name) }
        try append(.existing(.inside(root: volume.files.string, path: subpath)), option.target, option.isReadOnly)
    }

    // MARK: Others

    /// Adds the volumes and directories of another container where nothing else is mounted.
    mutating func addAll(from other: Container, isReadOnly: Bool) throws {
        for mount in other.record.process.mounts where !isTaken(mount.target ?? "/") {
            switch mount.source {
            case .bind, .inside: break
            default: continue
            }
            try append(.existing(mount.source), mount.target ?? "/", isReadOnly || mount.isReadOnly)
        }
        names += other.record.volumes.filter { !names.contains($0) }
    }

    /// Adds a volume for a VOLUME of the image, unless something is mounted there.
    mutating func addAnonymous(_ path: String) throws {
        if !isTaken(path) { try append(.volume(nil), path, false) }
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
        try append(.existing(.memory(size: size, options: options)), parts[0], isReadOnly)
    }

    // MARK: All

    private func isTaken(_ target: String) -> Bool {
        mounts.contains { PathInRoot($0.target) == PathInRoot(target) }
    }

    private mutating func append(_ source: Planned.Source, _ target: String, _ isReadOnly: Bool) throws {
        guard !PathInRoot(target).isRoot else {
            throw UserError("nothing can be mounted on the root of the container", status: .usage)
        }
        guard !isTaken(target) else { throw UserError("two mounts have the target `\(target)`", status: .usage) }
        mounts.append(Planned(source: source, target: target, isReadOnly: isReadOnly))
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
            return try append(.directory(source), target, isReadOnly)
        }
        let mount = try ProcessSpecification.Mount(binding: source, target: target, isReadOnly: isReadOnly)
        try append(.existing(mount.source), target, isReadOnly)
    }

    /// Whether `make` makes something.
    var areIncomplete: Bool {
        mounts.contains { if case .existing = $0.source { false } else { true } }
    }

    /// Makes the directories and volumes that are missing.
    ///
    /// - Returns: The mounts, and the names of the volumes among them.
    /// - Throws: `ContainerError.invalidVolume`, `ContainerStoreError`, `LayerError`, `SystemError`.
    func make() throws -> ([ProcessSpecification.Mount], volumes: [String]) {
        var names = names
        let made = try mounts.map { mount in
            let (target, isReadOnly) = (mount.target, mount.isReadOnly)
            switch mount.source {
            case .existing(let source):
                return ProcessSpecification.Mount(source, target: target, isReadOnly: isReadOnly)
            case .directory(let path):
                try FileOperations.createDirectories(FilePath(path).absolute)
                return try ProcessSpecification.Mount(binding: path, target: target, isReadOnly: isReadOnly)
            case .volume(let name, let labels, let isNotFilled):
                let volume = try name.map { try store.open($0, labels: labels) } ?? store.openAnonymous()
                if !isNotFilled { try store.fill(volume, from: image, at: target) }
                if !names.contains(volume.name) { names.append(volume.name) }
                return .init(.bind(path: volume.files.string), target: target, isReadOnly: isReadOnly)
            }
        }
        return (made, names)
    }
}
