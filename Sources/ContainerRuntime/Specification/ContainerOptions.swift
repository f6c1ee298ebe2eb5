internal import Layers
public import OCI

/// What the command line of `run` says.
public struct ContainerOptions: Sendable {
    /// What replaces the image's `CMD`; empty for none.
    public var command: [String] = []
    /// What replaces the image's `ENTRYPOINT`, and takes its `CMD` away.
    public var entrypoint: String?
    /// `NAME=value`, over the image's.
    public var environment: [String] = []
    public var workingDirectory: String?
    public var user: String?
    public var mounts: [ProcessSpecification.Mount] = []
    public var usesTerminal = false
    public var hostname: String?
    public var privileges = ProcessSpecification.Privileges()

    public init() {}

    /// ENTRYPOINT and CMD as Docker combines them.
    fileprivate func arguments(_ image: ImageConfiguration.Execution) -> [String] {
        if let entrypoint { return (entrypoint.isEmpty ? [] : [entrypoint]) + command }
        return (image.entrypoint ?? []) + (command.isEmpty ? image.cmd ?? [] : command)
    }

    /// The image's variables, what every container has, and the caller's, later ones over earlier ones.
    fileprivate func environment(_ image: ImageConfiguration.Execution, home: String, hostname: String) -> [String] {
        var result: [String] = []
        func set(_ assignment: String) {
            let name = ProcessSpecification.name(of: assignment)
            if let position = result.firstIndex(where: { ProcessSpecification.name(of: $0) == name }) {
                result[position] = assignment
            } else {
                result.append(assignment)
            }
        }
        set("PATH=\(ImageConfiguration.defaultPath)")
        set("HOSTNAME=\(hostname)")
        if usesTerminal { set("TERM=xterm") }
        set("HOME=\(home)")
        for assignment in image.env ?? [] { set(assignment) }
        for assignment in environment { set(assignment) }
        // An empty one is as good as none, as with Docker.
        if result.contains("HOME=") { set("HOME=\(home)") }
        return result
    }

    /// Twelve hexadecimal digits, as Docker names containers.
    fileprivate static func randomName() -> String {
        let digits = String(UInt64.random(in: 0..<(1 << 48)), radix: 16)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }
}

extension ProcessSpecification {
    /// The process of an image, with what the command line changes of it.
    ///
    /// - Parameters:
    ///   - name: The image's, for messages.
    ///   - users: Those of the image.
    /// - Throws: `ContainerError.noCommand`, `ContainerError.unknownUser`.
    public init(
        _ image: ImageConfiguration.Execution,
        name: String,
        users: UserDatabase,
        _ options: ContainerOptions
    ) throws(ContainerError) {
        let arguments = options.arguments(image)
        guard !arguments.isEmpty else { throw .noCommand(image: name) }
        let user = options.user ?? image.user ?? ""
        var unknown: String?
        guard let identity = users.identity(of: user, unknown: &unknown) else { throw .unknownUser(unknown ?? user) }
        let hostname = options.hostname ?? ContainerOptions.randomName()
        self.init(
            arguments,
            environment: options.environment(image, home: identity.home, hostname: hostname),
            workingDirectory: options.workingDirectory ?? image.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/",
            user: user,
            identity
        )
        self.hostname = hostname
        privileges = options.privileges
        mounts = options.mounts
        usesTerminal = options.usesTerminal
    }
}
