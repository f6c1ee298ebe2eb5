internal import FileSystem

extension RegistryConnections {
    /// Those of this process, made when something first needs a registry.
    public static let shared = RegistryConnections(environment: ProcessEnvironment.variables)
}
