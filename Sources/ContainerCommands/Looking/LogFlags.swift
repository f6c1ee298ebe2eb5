import ArgumentParser
package import Containers
import Reporting

/// Which output of containers is shown, and with what.
package struct LogFlags: ParsableArguments {
    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Follow the output until the containers end.")
    package var follows = false

    @Flag(name: [.customShort("t"), .customLong("timestamps")], help: "Show when each line was written.")
    package var showsTimes = false

    @Option(
        name: [.customShort("n"), .customLong("tail")],
        help: ArgumentHelp("Show only this many of the last lines of each container.", valueName: "number")
    )
    var tail = "all"

    @Option(
        name: .customLong("since"),
        help: ArgumentHelp("Only output since a time, or for a duration up to now.", valueName: "time")
    )
    var since: String?

    @Option(
        name: .customLong("until"),
        help: ArgumentHelp("Only output before a time, or a duration ago.", valueName: "time")
    )
    var until: String?

    package init() {}

    /// Which of the output is shown.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    package var selection: LogSelection {
        get throws(UserError) {
            var selection = LogSelection()
            if let since { selection.since = try TimeArgument.nanoseconds("--since", since) }
            if let until { selection.until = try TimeArgument.nanoseconds("--until", until) }
            if tail != "all" {
                guard let number = Int(tail), number >= 0 else {
                    throw UserError("--tail: invalid number `\(tail)`", status: .usage)
                }
                selection.tail = number
            }
            return selection
        }
    }
}
