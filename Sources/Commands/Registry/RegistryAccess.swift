import FileSystem
import Registry
import Reporting

extension RegistryConnections {
    /// Those of this process, made when something first needs a registry.
    static let shared = RegistryConnections(environment: ProcessEnvironment.variables)
}
