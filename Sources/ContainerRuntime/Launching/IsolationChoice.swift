internal import ContentStore
internal import Glibc
public import Sandbox
public import SystemPackage

/// Which isolation processes are to have: `--isolation`, else `SWIFTBUILD_ISOLATION`, else the strongest that works.
public enum IsolationChoice: Sendable, Equatable {
    case strongest
    case only(SandboxIsolation)

    /// All values, for messages.
    public static let names = (["auto"] + SandboxIsolation.allCases.map(\.rawValue)).joined(separator: ", ")

    /// - Parameter name: That of an isolation or `auto`; `default` is what Docker's client calls that.
    public init?(name: String) {
        if ["", "auto", "default"].contains(name) {
            self = .strongest
        } else {
            guard let isolation = SandboxIsolation(name: name) else { return nil }
            self = .only(isolation)
        }
    }

    private static let variable = "SWIFTBUILD_ISOLATION"

    /// What counts for this process.
    ///
    /// - Throws: `ContainerError.invalidSetting`.
    public static func current() throws(ContainerError) -> IsolationChoice {
        let name = getenv(variable).map { String(cString: $0) } ?? ""
        guard let choice = IsolationChoice(name: name) else {
            throw .invalidSetting("\(variable)=\(name)", reason: "it is one of \(names)")
        }
        return choice
    }

    /// Makes a choice of the command line the one of this process and of those that it starts.
    public static func set(_ name: String) { setenv(variable, name, 1) }

    /// Enters the user namespace in which an ordinary user has all subordinate IDs, where that is chosen or the strongest;
    /// for a process with one thread, and before anything else looks at who the user is.
    ///
    /// - Parameter store: Made where it is missing.
    public static func enterUsers(of store: FilePath) {
        guard geteuid() != 0, let choice = try? current(), [.strongest, .only(.userNamespace)].contains(choice),
            let store = try? Store(root: store)
        else { return }
        SubordinateUsers.enter(store.users)
    }

    /// Keeps that namespace for a process that was started in it.
    public static func stayWithUsers(of store: FilePath) { SubordinateUsers.stay(Store(lookingAt: store).users) }
}

extension Store {
    /// What the processes have in common that are in one user namespace.
    fileprivate var users: FilePath { self[.locks].appending("users") }
}
