internal import CSandbox
public import SystemPackage

extension SandboxError {
    /// The sentence for the place where the child stopped.
    init(_ failure: sb_failure, _ configuration: SandboxConfiguration) {
        let errno = Errno(rawValue: failure.error)
        let reason: Reason =
            switch failure.step {
            case SB_STEP_EXECUTE: .execution
            case SB_STEP_MOUNT: .mount(Int(failure.index))
            case SB_STEP_FILTER: .filter
            default: .environment
            }
        self.init(reason, Self.sentence(failure, configuration), errno: errno)
    }

    /// One of the mounts, by its position, that cannot be shown where nothing is mounted.
    public static func unmountable(_ mounts: [SandboxMount], at index: Int, _ errno: Errno) -> SandboxError {
        SandboxError(.mount(index), mountSentence(index, mounts), errno: errno)
    }

    /// Files of the machine that are to be written to where nothing is mounted.
    public static func uncopied(_ source: FilePath, on target: String, at index: Int) -> SandboxError {
        let sentence = "`\(source)` cannot be mounted on `\(target)` here, and a copy would not be written back"
        return SandboxError(.mount(index), "\(sentence): add `:ro` to have a copy, or use a named volume", errno: nil)
    }

    /// Files of the store that another process has, where only one can have them at a time.
    public static func borrowed(_ target: String, at index: Int) -> SandboxError {
        let sentence =
            "what belongs on `\(target)` is in use by another container or build, and without mounts only one"
        return SandboxError(.mount(index), "\(sentence) can have it at a time: stop the other one first", errno: nil)
    }

    /// A place of the root that cannot be covered where nothing is mounted.
    public static func unusable(_ place: String, _ errno: Errno) -> SandboxError {
        SandboxError(.environment, "could not cover `\(place)`", errno: errno)
    }

    private static func sentence(_ failure: sb_failure, _ configuration: SandboxConfiguration) -> String {
        let user = configuration.user
        // A symbolic link in the image where a filesystem belongs is refused, with ELOOP.
        let isLink = failure.error == Errno.tooManySymbolicLinkLevels.rawValue
        let hint = isLink ? ", which is a symbolic link in the image" : ""
        return switch failure.step {
        case SB_STEP_CLONE:
            configuration.isolation.hasNamespaces ? "could not create namespaces" : "could not create a process"
        case SB_STEP_CONTROL_GROUP: "could not join a control group"
        case SB_STEP_MEMORY_SCORE: "could not set the memory score \(configuration.memoryScore ?? 0)"
        case SB_STEP_INIT: "could not start the init"
        case SB_STEP_TRACER: "could not trace a process and answer its system calls"
        case SB_STEP_SUPERVISOR: "could not start the process that answers system calls"
        case SB_STEP_ENTER: "could not enter the namespaces of the running process"
        case SB_STEP_NETWORK: "could not enter the network namespace"
        case SB_STEP_KERNEL_PARAMETER: parameterSentence(Int(failure.index), configuration.kernelParameters)
        case SB_STEP_IDENTITY_MAP: "could not map user \(user.userID) and group \(user.groupID) in the user namespace"
        case SB_STEP_LOOPBACK: "could not start the loopback interface"
        case SB_STEP_PRIVATE_MOUNTS: "could not separate the mounts of the sandbox from the machine's"
        case SB_STEP_ROOT: rootSentence(configuration.root)
        case SB_STEP_DEVICES:
            sb_device_path(failure.index).map { "could not make the device `\(String(cString: $0))`" }
                ?? "could not mount `/dev`\(hint)"
        case SB_STEP_PROC: "could not mount `proc` on `/proc`\(hint)"
        case SB_STEP_SYS: "could not mount `sysfs` on `/sys`\(hint)"
        case SB_STEP_MASK:
            "could not protect `\(sb_masked_path(failure.index).map { String(cString: $0) } ?? "/proc")`"
        case SB_STEP_MOUNT: mountSentence(Int(failure.index), configuration.mounts)
        case SB_STEP_WORKING_DIRECTORY:
            failure.error == Errno.improperLink.rawValue
                ? "the working directory `\(configuration.workingDirectory)` leads out of the root filesystem"
                : "could not enter the working directory `\(configuration.workingDirectory)`"
        case SB_STEP_HOSTNAME: "could not set the hostname `\(configuration.hostname)`"
        case SB_STEP_CHANGE_ROOT: "could not change the root directory"
        case SB_STEP_STANDARD_STREAMS: "could not set the standard streams"
        case SB_STEP_TERMINAL: "could not start a session on the terminal"
        case SB_STEP_LIMITS: limitSentence(Int(failure.index), configuration.limits)
        case SB_STEP_CAPABILITIES: "could not drop capabilities"
        case SB_STEP_USER: "could not become user \(user.userID) with group \(user.groupID)"
        case SB_STEP_WATCHER: "could not tie the process to the lifetime of this program"
        case SB_STEP_FILTER: "could not install the filter of system calls"
        case SB_STEP_EXECUTE: programSentence(failure, configuration)
        default: "could not prepare the sandbox"
        }
    }

    private static func rootSentence(_ root: SandboxRoot) -> String {
        switch root {
        case .directory(let path): "could not use `\(path)` as the root directory"
        case .overlay(let lower, let upper, _):
            upper.map { "could not mount an overlay of \(lower.count + 1) directories with changes in `\($0)`" }
                ?? "could not mount an overlay of \(lower.count) directories"
        case .process: "could not use the root directory of the running process"
        }
    }

    private static func mountSentence(_ index: Int, _ mounts: [SandboxMount]) -> String {
        guard mounts.indices.contains(index) else { return "could not mount" }
        let what =
            switch mounts[index].source {
            case .bind(let path, _): "`\(path)`"
            case .bindInside(let root, let path, _): "`\(path)` of `\(root)`"
            case .overlay(let lower, _, _, let path): "`\(path)` of an overlay of \(lower.count) directories"
            case .device(let path): "the device `\(path)`"
            case .content: "a file"
            case .memory: "`tmpfs`"
            }
        return "could not mount \(what) on `\(mounts[index].target)` (mount \(index + 1) of \(mounts.count))"
    }

    private static func parameterSentence(_ index: Int, _ parameters: [KernelParameter]) -> String {
        guard parameters.indices.contains(index) else { return "could not set kernel parameters" }
        return "could not set the kernel parameter `\(parameters[index].path)` to `\(parameters[index].value)`"
    }

    private static func limitSentence(_ index: Int, _ limits: [ResourceLimit]) -> String {
        guard limits.indices.contains(index) else { return "could not set limits" }
        return "could not set the limit `\(limits[index])`"
    }

    private static func programSentence(_ failure: sb_failure, _ configuration: SandboxConfiguration) -> String {
        let program = configuration.arguments.first ?? ""
        guard failure.error == Errno.noSuchFileOrDirectory.rawValue, !program.contains("/") else {
            return "could not execute `\(program)`"
        }
        guard let path = configuration.searchPath else { return "could not find `\(program)`, as PATH is not set" }
        return "could not find `\(program)` in PATH `\(path)`"
    }
}
