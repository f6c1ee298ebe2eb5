import CommandSupport

/// A command that makes a container.
///
/// Each group stands in the command itself: below another group, the argument parser of a debug build checks it four times
/// as often, which was most of the time that `run` took there.
protocol ContainerMakingCommand: Command {
    var general: GeneralFlags { get }
    var process: ProcessFlags { get }
    var network: NetworkFlags { get }
    var limits: LimitFlags { get }
    var privileges: PrivilegeFlags { get }
    var machine: MachineFlags { get }
    var health: HealthFlags { get }
}

extension ContainerMakingCommand {
    var flags: ContainerFlags {
        ContainerFlags(
            general: general,
            process: process,
            network: network,
            limits: limits,
            privileges: privileges,
            machine: machine,
            health: health
        )
    }
}
