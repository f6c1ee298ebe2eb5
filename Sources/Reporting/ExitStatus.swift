/// An exit code of the program; `docs/exit-codes.md` lists them.
public struct ExitStatus: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let success = ExitStatus(rawValue: 0)
    /// The work could not be done: a step failed, an image is not there, an archive is wrong.
    public static let failure = ExitStatus(rawValue: 1)
    /// The command line is wrong.
    public static let usage = ExitStatus(rawValue: 2)
    /// This machine does not allow it: permissions, disk, kernel.
    public static let environment = ExitStatus(rawValue: 3)
    /// A step had no earlier result, and should have had one.
    public static let notCached = ExitStatus(rawValue: 4)
    /// An image exceeds a limit that was given.
    public static let limit = ExitStatus(rawValue: 5)
    /// `run` could not do its part, as Docker's client has it; all other codes are those of the container's command.
    public static let container = ExitStatus(rawValue: 125)
    /// SIGINT or SIGTERM ended it.
    public static let interrupted = ExitStatus(rawValue: 130)
}
