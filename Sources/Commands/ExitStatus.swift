/// The exit codes of the program, as `docs/exit-codes.md` lists them.
enum ExitStatus {
    static let success: Int32 = 0
    /// The work could not be done: a step failed, an image is not there, an archive is wrong.
    static let failure: Int32 = 1
    /// The command line is wrong.
    static let usage: Int32 = 2
    /// This machine does not allow it: permissions, disk, kernel.
    static let environment: Int32 = 3
    /// A step had no earlier result, and should have had one.
    static let notCached: Int32 = 4
    /// An image exceeds a given limit that was given.
    static let limit: Int32 = 5
    /// `run` could not do its part, as Docker's client has it; all other codes are those of the container's command.
    static let container: Int32 = 125
    /// SIGINT or SIGTERM ended it.
    static let interrupted: Int32 = 130
}
