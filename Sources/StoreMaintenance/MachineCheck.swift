internal import ContainerNetworks
internal import ContentStore
internal import FileSystem
internal import Formatting
internal import Glibc
internal import Images
internal import Sandbox
internal import Snapshots
internal import SystemPackage

/// What this machine lets a build do.
enum MachineCheck {
    /// What has nothing to do with a store.
    static func findings() -> [DoctorFinding] {
        var name = utsname()
        uname(&name)
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        func check(_ subject: String, _ isFine: Bool, _ fine: String, otherwise: String) -> DoctorFinding {
            isFine ? DoctorFinding(.ok, subject, fine) : DoctorFinding(.note, subject, otherwise)
        }
        let kernel = "Linux \(text(&name.release)) on \(text(&name.machine)), \(processors) processors"
        // x86 and ARM call them differently.
        let flags = Set<Substring>(["sha_ni", "sha2"])
        let hasInstructions = words("/proc/cpuinfo").contains { flags.contains($0) }
        let hasUnified = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].contains {
            FileStatus.ifPresent(FilePath("\($0)/cgroup.controllers")) != nil
        }
        let hasGit = (ProcessEnvironment["PATH"] ?? "").split(separator: ":").contains { directory in
            access("\(directory)/git", X_OK) == 0
        }
        return [
            DoctorFinding(.ok, "kernel", kernel),
            check(
                "SHA-256",
                hasInstructions,
                "the processor has SHA instructions",
                otherwise: "the processor has no SHA instructions: digests take longer"
            ),
            userNamespaces(),
            check(
                "control groups",
                hasUnified,
                "version 2",
                otherwise: "version 1, or none: devices that RUN makes cannot be opened"
            ),
            check("git", hasGit, "found", otherwise: "not found: ADD and contexts cannot take Git repositories"),
            networks,
        ]
    }

    /// What depends on where the store is.
    static func findings(store: Store) -> [DoctorFinding] {
        let capabilities = SandboxCapabilities.probe(in: store[.temporary])
        // Builds are to see what has changed.
        try? FileOperations.remove(store.machineRecord)
        let overlay =
            capabilities.mountsOverlay
            ? DoctorFinding(.ok, "overlayfs", "RUN works on layers where they are")
            : DoctorFinding(
                .warning,
                "overlayfs",
                "RUN copies all files first: \(capabilities.overlayLimit ?? "no overlay can be mounted")"
            )
        return [isolation(capabilities)] + (capabilities.isolation == nil ? [] : [overlay])
            + (capabilities.mountsOverlay ? [layers(capabilities, store)] : []) + [space(store)]
    }

    private static func userNamespaces() -> DoctorFinding {
        func setting(_ path: String) -> Substring? { words(path).first }
        let subject = "user namespaces"
        let reason: String? =
            setting("/proc/sys/user/max_user_namespaces") == "0"
            ? "user.max_user_namespaces is 0"
            : setting("/proc/sys/kernel/unprivileged_userns_clone") == "0"
                ? "kernel.unprivileged_userns_clone is 0"
                : setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1"
                    ? "kernel.apparmor_restrict_unprivileged_userns is 1" : nil
        return reason.map {
            DoctorFinding(.note, subject, "not for ordinary users: \($0)", hint: "as root, builds do not need them")
        } ?? DoctorFinding(.ok, subject, "allowed for ordinary users")
    }

    private static var networks: DoctorFinding {
        guard let obstacle = ContainerNetworking.obstacle(isThorough: true) else {
            return ContainerNetworking.limit.map { DoctorFinding(.note, "networks", $0) }
                ?? DoctorFinding(.ok, "networks", "containers have networks of their own")
        }
        return DoctorFinding(
            geteuid() == 0 ? .warning : .note,
            "networks",
            "containers have the machine's network: \(obstacle)",
            hint: obstacle.hint
        )
    }

    private static func isolation(_ capabilities: SandboxCapabilities) -> DoctorFinding {
        let reasons = capabilities.limits.map { "\($0.isolation.words): \($0.reason)" }.joined(separator: "; ")
        guard let level = capabilities.isolation else {
            return DoctorFinding(
                .error,
                "isolation",
                "RUN is not possible: \(reasons)",
                hint:
                    "run as root (`--user 0` in a container), allow user namespaces, or allow `ptrace` and seccomp user notification"
            )
        }
        guard level != .full, level != .userNamespace else {
            return DoctorFinding(.ok, "isolation", "`\(level.rawValue)`: RUN has \(level.words)")
        }
        return DoctorFinding(
            geteuid() == 0 ? .warning : .note,
            "isolation",
            "`\(level.rawValue)`: RUN has \(level.words) (\(reasons))",
            hint: SubordinateUsers.obstacle?.hint
        )
    }

    /// What a root filesystem is made of.
    private static func layers(_ capabilities: SandboxCapabilities, _ store: Store) -> DoctorFinding {
        let obstacle =
            capabilities.isolation == .full
            ? LayerMounts.obstacle(in: store[.temporary]) : "it takes the machine's root to mount EROFS"
        return obstacle.map { DoctorFinding(.note, "layers", "unpacked for processes: \($0)") }
            ?? DoctorFinding(.ok, "layers", "mounted in place by EROFS, never unpacked")
    }

    private static func space(_ store: Store) -> DoctorFinding {
        guard let free = try? DiskUsage.free(at: store.root) else {
            return DoctorFinding(.warning, "disk", "cannot determine free disk space")
        }
        let text = "\(HumanReadable.size(free)) free at \(store.root)"
        let hint = "`swiftbuild prune --all` frees content that can be recreated"
        // An image of some use, or nothing at all.
        if free < 1_000_000 { return DoctorFinding(.error, "disk", text, hint: hint) }
        return free < 1_000_000_000
            ? DoctorFinding(.warning, "disk", text, hint: hint) : DoctorFinding(.ok, "disk", text)
    }

    /// Whether a store that is not there yet can be made.
    static func place(ofStore root: FilePath) -> DoctorFinding {
        var above = root.absolute.lexicallyNormalized()
        while FileStatus.ifPresent(above) == nil, above.removeLastComponent() {}
        guard FileStatus.ifPresent(above.appending("."))?.kind == .directory else {
            return DoctorFinding(.error, "store", "cannot make `\(root)`: `\(above)` is not a directory")
        }
        guard access(above.string, W_OK | X_OK) == 0 else {
            return DoctorFinding(
                .error,
                "store",
                "cannot make `\(root)`: `\(above)` is not writable",
                hint: "`--root DIR` or SWIFTBUILD_ROOT names another directory"
            )
        }
        return DoctorFinding(.ok, "store", "`\(root)` is made by the first build")
    }

    private static func words(_ path: String) -> [Substring] {
        let bytes = (try? FileOperations.read(FilePath(path), limit: 16 << 20)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    }

    private static func text<Bytes>(_ field: inout Bytes) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
