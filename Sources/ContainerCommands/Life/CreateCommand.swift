import ArgumentParser
import CommandSupport
import Containers
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild create`.
struct CreateCommand: ContainerMakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a container of an image, without starting it.",
        discussion: """
            Prints the container's ID. `swiftbuild start` starts it; everything else is as for `swiftbuild run`.

            EXAMPLES:
              swiftbuild create --name db -v data:/var/lib/postgresql postgres
              swiftbuild start db
            """,
        helpNames: .long
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var general: GeneralFlags
    @OptionGroup var process: ProcessFlags
    @OptionGroup var network: NetworkFlags
    @OptionGroup var limits: LimitFlags
    @OptionGroup var privileges: PrivilegeFlags
    @OptionGroup var machine: MachineFlags
    @OptionGroup var health: HealthFlags

    @Argument(help: "Name or ID of an image.")
    var image: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments, in place of the image's CMD.")
    var command: [String] = []

    func run() async throws -> ExitStatus {
        let container = try await NewContainer(flags, image: image, command: command).create(in: global)
        Terminal.print("\(container.id)")
        return .success
    }
}
