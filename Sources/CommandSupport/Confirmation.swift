public import ArgumentParser
import Glibc
import TerminalUI

/// The question before something is removed that was not named.
public struct Confirmation: ParsableArguments {
    @Flag(name: [.customShort("f"), .customLong("force")], help: "Do not ask for confirmation.")
    public var isForced = false

    public init() {}

    /// Asks on a terminal; where there is none, nothing is removed without `--force`, as with Docker.
    ///
    /// - Parameter warning: What the command does.
    public func isGiven(_ warning: String) -> Bool {
        if isForced { return true }
        Terminal.write("WARNING! \(warning)\nAre you sure you want to continue? [y/N] ", to: STDOUT_FILENO)
        guard let answer = readLine() else {
            Terminal.write("\n", to: STDOUT_FILENO)
            return false
        }
        return ["y", "yes"].contains(answer.lowercased())
    }
}
