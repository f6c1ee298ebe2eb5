internal import Layers

/// Why no process could be started on an image.
public enum ContainerError: Error, Sendable, Equatable {
    /// This machine allows no kind of isolation; the reasons are for each kind, strongest first.
    case notPermitted(reasons: [String])
    case noCommand(image: String)
    case unknownUser(String)
    case invalidVolume(String, reason: String)
}

extension ContainerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notPermitted(let reasons):
            "this machine does not let an ordinary process have a root filesystem of its own: \(reasons.joined(separator: "; "))"
        case .noCommand(let image): "image `\(image)` has no command: give one behind its name"
        case .unknownUser(let name):
            UserDatabase.reason(outOfRange: name) ?? "unable to find user or group `\(name)` in the image"
        case .invalidVolume(let text, let reason): "invalid volume `\(text)`: \(reason)"
        }
    }
}
