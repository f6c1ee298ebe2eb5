internal import OCI

/// Why no process could be started on an image.
public enum ContainerError: Error, Sendable, Equatable {
    /// This machine allows no kind of isolation; the reasons are for each kind, strongest first.
    case notPermitted(reasons: [String])
    case noCommand(image: String)
    case unknownUser(String)
    case invalidVolume(String, reason: String)
    /// An option of the command line has a value that it cannot have.
    case invalidSetting(String, reason: String)
    /// A mount of a specification, by its position, needs a secret or an ssh agent that cannot be used.
    case mount(Int, CredentialProblem)
    /// ssh-agent does not take the keys; what it said.
    case keysRefused(String)

    /// What is wrong with a secret or an ssh agent; its id.
    public enum CredentialProblem: Error, Sendable, Equatable {
        case secretNotGiven(String)
        /// Larger than 500 KiB.
        case secretTooLarge(String)
        case secretNotText(String, variable: String)
        case agentNotGiven(String)
    }
}

extension ContainerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notPermitted(let reasons):
            "this machine does not let unprivileged processes change their root filesystem: \(reasons.joined(separator: "; "))"
        case .noCommand(let image): "image `\(image)` has no command: give one after its name"
        case .unknownUser(let name):
            UserDatabase.reason(outOfRange: name) ?? "unable to find user or group `\(name)` in the image"
        case .invalidVolume(let text, let reason): "invalid volume `\(text)`: \(reason)"
        case .invalidSetting(let text, let reason): "`\(text)`: \(reason)"
        case .mount(_, let problem): problem.description
        case .keysRefused(let reason): "ssh-agent did not accept the keys: \(reason)"
        }
    }
}

extension ContainerError.CredentialProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .secretNotGiven(let id): "the secret `\(id)` was not given"
        case .secretTooLarge(let id): "the secret `\(id)` is larger than 500 KiB"
        case .secretNotText(let id, _): "the secret `\(id)` is not text, so it cannot be passed in a variable"
        case .agentNotGiven(let id): "the ssh agent `\(id)` was not given"
        }
    }
}
