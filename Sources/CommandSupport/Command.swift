public import ArgumentParser
public import Reporting

/// A command of the program.
public protocol Command: ParsableCommand {
    /// Does what the command line says.
    ///
    /// - Returns: The exit code where that is not for an error that is thrown to say.
    func run() async throws -> ExitStatus
}
