internal import CLinux
internal import CSandbox
public import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import Threads

/// A network namespace, which exists as long as this value or a process in it.
public final class NetworkNamespace: Sendable {
    private let handle: OpenFile

    /// Open for setns(2).
    public var descriptor: Int32 { handle.descriptor }

    /// Makes a namespace with nothing in it but its loopback interface.
    ///
    /// - Throws: `SystemError`.
    public init() throws(SystemError) {
        if geteuid() == 0 {
            handle = try NetworkNamespace.onThread { () throws(SystemError) -> OpenFile in
                guard sb_unshare_network() == 0 else { throw SystemError("create", "network namespace") }
                try NetworkNamespace.prepare()
                return try OpenFile("/proc/thread-self/ns/net")
            }
        } else {
            // In a user namespace that becomes the container's, so that all of it is the container's own.
            guard let made = OwnedDescriptor(sb_new_network(nil)) else {
                throw SystemError("create", "network namespace")
            }
            handle = OpenFile(made)
            try run { () throws(SystemError) in try NetworkNamespace.prepare() }
        }
    }

    init(_ handle: OpenFile) { self.handle = handle }

    private static func prepare() throws(SystemError) {
        try Links.raiseLoopback()
        // Docker's: the container's own users may ping, and bind ports below 1024.
        set("ip_unprivileged_port_start", "0")
        // Where there is only one group, no other can be named.
        set("ping_group_range", geteuid() == 0 ? "0 2147483647" : "\(getegid()) \(getegid())")
    }

    /// Runs something on a thread in this namespace; sockets that it makes stay in it.
    ///
    /// - Throws: `SystemError`.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try NetworkNamespace.onThread { [handle] () throws(SystemError) -> Result in
            guard sb_enter_network(handle.descriptor) == 0 else { throw SystemError("enter", "network namespace") }
            return try body()
        }
    }

    private static func set(_ setting: FilePath, _ value: String) {
        let path = FilePath("/proc/sys/net/ipv4").pushing(setting)
        guard let file = try? OwnedDescriptor(path, O_WRONLY) else { return }
        write(file.rawValue, value, value.utf8.count)
    }

    /// Namespaces are left only by the end of a thread.
    private static func onThread<Result: Sendable>(
        _ body: @escaping @Sendable () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let outcome = Outcome<Result>()
        let thread = WorkerThread {
            let result = Swift.Result { () throws(SystemError) -> Result in try body() }
            outcome.result.withLock { $0 = result }
        }
        thread?.join()
        guard let result = outcome.result.withLock({ $0 }) else {
            throw SystemError("start a thread for", "network namespace", errno: .resourceTemporarilyUnavailable)
        }
        return try result.get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Swift.Result<Value, SystemError>?>(nil)
    }
}
