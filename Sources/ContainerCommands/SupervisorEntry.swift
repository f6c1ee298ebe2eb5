import ContainerNetworks
import ContainerRuntime
package import Containers
import ContentStore
import Glibc
import Layers
import SystemPackage
import TerminalUI

/// This program as the supervisor of a container, which no user types.
public enum SupervisorEntry {
    private static let word = "container-supervisor"

    /// The arguments that make this program one.
    package static func arguments(_ container: Container) -> [String] {
        [word, container.root.string, container.id.description]
    }

    /// Does the work of a supervisor and ends, where the arguments ask for it.
    ///
    /// Before anything else is started: a supervisor lives as long as its container, and is to stay small.
    public static func runIfAsked(_ arguments: [String]) {
        guard arguments.count == 4, arguments[1] == word, let id = ContainerID(arguments[3]) else { return }
        Supervisor.closeInherited(above: 3)
        IsolationChoice.stayWithUsers(of: FilePath(arguments[2]))
        do {
            let store = ContainerStore(LayerStore(Store(lookingAt: FilePath(arguments[2]))))
            try Supervisor(id, in: store).run(starter: 3)
            Glibc.exit(0)
        } catch {
            Terminal.write("\(error)\n", to: STDERR_FILENO)
            Supervisor.refuse(3, error)
            Glibc.exit(1)
        }
    }
}
