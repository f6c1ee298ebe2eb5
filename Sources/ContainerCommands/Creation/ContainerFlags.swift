import ArgumentParser

/// What `run` and `create` take: everything that decides what a container is.
package struct ContainerFlags: Sendable {
    package var general: GeneralFlags
    package var process: ProcessFlags
    package var network: NetworkFlags
    package var limits: LimitFlags
    package var privileges: PrivilegeFlags
    package var machine: MachineFlags
    package var health: HealthFlags

    /// What an empty command line says.
    package static func none() throws -> ContainerFlags { try parsedNothing.get() }

    /// Parsing is the only way to values that have their defaults; once is enough.
    private static let parsedNothing = Result {
        ContainerFlags(
            general: try .parse([]),
            process: try .parse([]),
            network: try .parse([]),
            limits: try .parse([]),
            privileges: try .parse([]),
            machine: try .parse([]),
            health: try .parse([])
        )
    }
}
