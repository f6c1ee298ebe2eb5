package import ArgumentParser

/// How a container tells whether it works.
package struct HealthFlags: ParsableArguments, Sendable {
    @Option(name: .customLong("health-cmd"), help: ArgumentHelp("The command that checks it.", valueName: "command"))
    package var command: String?

    @Option(
        name: .customLong("health-interval"),
        help: ArgumentHelp("The time between checks (default: 30s).", valueName: "time")
    )
    package var interval: String?

    @Option(
        name: .customLong("health-timeout"),
        help: ArgumentHelp("How long a check may take (default: 30s).", valueName: "time")
    )
    package var timeout: String?

    @Option(
        name: .customLong("health-retries"),
        help: ArgumentHelp("How many failures in a row it takes (default: 3).", valueName: "number")
    )
    package var retries: Int?

    @Option(
        name: .customLong("health-start-period"),
        help: ArgumentHelp("The time in which failures do not count.", valueName: "time")
    )
    package var startPeriod: String?

    @Option(
        name: .customLong("health-start-interval"),
        help: ArgumentHelp("The time between checks in that period (default: 5s).", valueName: "time")
    )
    package var startInterval: String?

    @Flag(name: .customLong("no-healthcheck"), help: "Do not run the image's HEALTHCHECK.")
    package var isOff = false

    package init() {}
}
