internal import FileSystem
public import SystemPackage

/// A process that could not be started or watched: what failed, on which object, and the kernel's reason.
public struct SandboxError: Error, Sendable, Equatable {
    /// What failed.
    public enum Reason: Sendable, Equatable {
        /// The configuration asks for something that cannot be; the text says what.
        case invalidConfiguration
        /// The program was not found, or cannot be executed; exit code 127 or 126 by convention.
        case execution
        /// One of the configuration's mounts could not be made, by its position.
        case mount(Int)
        /// The filter of system calls could not be installed.
        case filter
        /// The sandbox around the program could not be set up.
        case environment
    }

    /// The family of the failure, for choosing an exit code.
    public let reason: Reason
    /// What was tried, as a sentence without its cause: ``could not mount `proc` on `/proc` ``.
    public let sentence: String
    /// The kernel's reason, `nil` for an invalid configuration.
    public let errno: Errno?

    init(_ reason: Reason, _ sentence: String, errno: Errno?) {
        self.reason = reason
        self.sentence = sentence
        self.errno = errno
    }
}

extension SandboxError: CustomStringConvertible {
    /// The whole sentence, in lower case and without full stop.
    public var description: String {
        errno.map { "\(sentence): \($0.sentence)" } ?? sentence
    }
}
