/// A command that is run in a container beside its own: of `post_start`, `pre_stop` or a watch.
public struct ServiceHook: Sendable, Equatable {
    public let command: [String]
    /// `nil` for the container's.
    public let user: String?
    public let isPrivileged: Bool
    /// `nil` for the container's.
    public let workingDirectory: String?
    /// `NAME=value`, over the container's.
    public let environment: [String]

    /// A command like the container's own.
    public init(command: [String]) {
        self.command = command
        (user, isPrivileged, workingDirectory, environment) = (nil, false, nil, [])
    }

    init(_ fields: Fields) {
        command = fields.words("command") ?? []
        user = fields.text("user")
        isPrivileged = fields.isOn("privileged")
        workingDirectory = fields.text("working_dir")
        environment = fields.valuesOnly("environment").sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}
