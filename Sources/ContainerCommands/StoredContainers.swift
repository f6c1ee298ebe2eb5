package import CommandSupport
package import Containers
import Glibc
import Images
import Layers
import Reporting
import TerminalUI

extension GlobalOptions {
    /// The containers of the store.
    package func containers() throws -> ContainerStore {
        ContainerStore(try store.open().layers)
    }
}

extension Collection<String> {
    /// Does something with each container that is named, and goes on after an error, as Docker's client does.
    ///
    /// - Parameters:
    ///   - ignoresMissing: Whether a container that does not exist is passed over.
    ///   - find: Finds one; `nil` where there is nothing more to be done with it.
    ///   - body: Returns what is printed of a success; the name where it is `nil`.
    func forEachContainer(
        in store: ContainerStore,
        ignoresMissing: Bool = false,
        find: ((String) throws -> Container?)? = nil,
        _ body: (Container) throws -> String?
    ) -> ExitStatus {
        forEachName { name in
            do {
                let container = if let find { try find(name) } else { try store.find(name) }
                return try container.flatMap { try body($0) } ?? name
            } catch ContainerStoreError.notFound where ignoresMissing {
                return nil
            }
        }
    }

    /// Does something with each name, and goes on after an error.
    ///
    /// - Parameter body: Returns what is printed of a success; `nil` for nothing.
    func forEachName(_ body: (String) throws -> String?) -> ExitStatus {
        var status = ExitStatus.success
        for name in self {
            do {
                if let text = try body(name) { Terminal.print(text) }
            } catch {
                let failure = FailureReport(error)
                failure.write()
                status = failure.status
            }
        }
        return status
    }
}
