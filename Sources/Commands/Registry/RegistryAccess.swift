import FileSystem
import Registry

extension RegistryConnections {
    /// Those of this process, made when something first needs a registry.
    static let shared = RegistryConnections(environment: ProcessEnvironment.variables)
}

extension CommandFailure {
    /// What is to be said of something that went wrong with a registry.
    static func registry(_ error: any Error) -> (message: String, hints: [String]) {
        switch error {
        case let error as RegistryError: ("\(error)", error.hints)
        case let error as LoginError: ("\(error)", error.hint.map { [$0] } ?? [])
        default: ("\(error)", [])
        }
    }

    /// How a command ends that needs a registry.
    init(registry error: any Error) {
        switch error {
        case is RegistryError, is LoginError:
            let (message, hints) = CommandFailure.registry(error)
            self.init(message, hints: hints)
        default: self.init(error)
        }
    }
}
