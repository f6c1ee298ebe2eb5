internal import ArgumentParser
internal import Reporting

/// What commands take that start containers and may wait until these work.
struct ReadinessFlags: ParsableArguments {
    @Flag(name: .customLong("wait"), help: "Wait until all run, or are healthy where they have a health check.")
    var waits = false

    @Option(name: .customLong("wait-timeout"), help: ArgumentHelp("How long --wait waits.", valueName: "seconds"))
    var timeout: Int?

    /// - Throws: `UserError` with the status for wrong use.
    func check() throws(UserError) {
        if timeout != nil, !waits { throw UserError("--wait-timeout needs --wait", status: .usage) }
    }
}
