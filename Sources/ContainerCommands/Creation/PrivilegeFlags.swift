package import ArgumentParser

/// What a container may do to the machine.
package struct PrivilegeFlags: ParsableArguments, Sendable {
    @Option(name: .customLong("cap-add"), help: ArgumentHelp("Add a capability; may repeat.", valueName: "name"))
    package var addedCapabilities: [String] = []

    @Option(name: .customLong("cap-drop"), help: ArgumentHelp("Take a capability away; may repeat.", valueName: "name"))
    package var droppedCapabilities: [String] = []

    @Option(
        name: .customLong("security-opt"),
        help: ArgumentHelp(
            "What the command may do: seccomp=unconfined, seccomp=FILE (a profile as Docker has it), no-new-privileges or systempaths=unconfined; may repeat.",
            valueName: "option"
        )
    )
    package var securityOptions: [String] = []

    @Flag(name: .customLong("privileged"), help: "Let the command do what root may do on this machine.")
    package var isPrivileged = false

    /// Read before everything else (`SwiftBuild.prepareUsers`).
    @Option(name: .customLong("isolation"), help: .hidden)
    var isolation: String?

    @Option(
        name: .customLong("sysctl"),
        help: ArgumentHelp("Set a kernel parameter of the container; may repeat.", valueName: "name=value")
    )
    package var kernelParameters: [String] = []

    package init() {}
}
