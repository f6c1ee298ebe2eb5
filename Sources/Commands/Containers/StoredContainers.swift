import Containers
import Glibc
import Images
import Layers
import Reporting
import TerminalUI

extension GlobalOptions {
    /// The containers of the store.
    func containers() throws -> ContainerStore {
        let containers = ContainerStore(try store.open().layers)
        try? containers.removeLeftOver()
        return containers
    }
}

extension Collection<String> {
    /// Does something with each container that is named, and goes on after an error, as Docker's client does.
    ///
    /// - Parameter body: Returns what is printed of a success; the name where it is `nil`.
    func forEachContainer(in store: ContainerStore, _ body: (Container) throws -> String?) -> ExitStatus {
        var status = ExitStatus.success
        for name in self {
            do {
                let text = try body(try store.find(name))
                Terminal.print(text ?? name)
            } catch {
                let failure = FailureReport(error)
                failure.write()
                status = failure.status
            }
        }
        return status
    }
}
