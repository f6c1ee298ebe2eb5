internal import CSandbox
internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// The user and network namespace in which an ordinary user's networks are: one for each store.
///
/// A process that does nothing else keeps it. All supervisors with networks share a lock, and that process ends when it
/// gets the lock for itself, so that nothing is left whatever ends them.
enum StoreNamespace {
    private struct Entered: Sendable {
        let lock: FileLock
        let network: NetworkNamespace
    }

    private static let entered = Mutex<Entered?>(nil)

    /// The network namespace of the store that this process has entered.
    static var current: NetworkNamespace? { entered.withLock { $0?.network } }

    /// Lets this process act in the user namespace of a store from now on, made where there is none.
    ///
    /// Its own network namespace stays the machine's. It must have one thread only (setns(2)).
    ///
    /// - Throws: `NetworkError`.
    static func enter(_ store: Store) throws(NetworkError) {
        if current != nil { return }
        try NetworkError.wrapping {
            let start = try FileLock.acquire(store[.networks], .exclusive)
            defer { withExtendedLifetime(start) {} }
            let file = store[.networks].appending("namespace")
            // The last other supervisor may end in between.
            for _ in 0..<3 {
                let isFirst = try FileLock.tryAcquire(file, .exclusive) != nil
                let lock = try FileLock.acquire(file, .shared)
                guard let holder = isFirst ? try Holder(startedFor: file) : Holder(recordedIn: file) else {
                    usleep(10_000)
                    continue
                }
                guard sb_enter_user(holder.user.descriptor) == 0 else { throw SystemError("enter", "user namespace") }
                entered.withLock { $0 = Entered(lock: lock, network: NetworkNamespace(holder.network)) }
                return
            }
            throw NetworkError.namespaceLost
        }
    }

    /// The process that keeps the namespaces.
    private struct Holder {
        let user: OpenFile
        let network: OpenFile

        /// Starts the process, and what connects it with everything outside.
        ///
        /// - Parameter namespaces: Those that it keeps; `nil` for new ones.
        init(startedFor file: FilePath, keeping namespaces: Holder? = nil) throws {
            var channel: Int32 = -1
            let kept = namespaces.map { [$0.user.descriptor, $0.network.descriptor] } ?? []
            let id = file.withPlatformString { file in
                kept.withUnsafeBufferPointer { sb_hold_network(file, $0.isEmpty ? nil : $0.baseAddress, &channel) }
            }
            guard id > 0, let companion = OwnedDescriptor(channel) else {
                throw SystemError("create namespaces for", file)
            }
            try self.init(id)
            let record = Array("\(id) \(try Holder.inode(network))\n".utf8)
            let target = try OwnedDescriptor(file, O_WRONLY | O_TRUNC)
            try record.withUnsafeBytes { try FileOperations.write($0, to: target.rawValue, path: file) }
            let place = file.removingLastComponent().appending("pasta")
            // That of the process before may have outlived it.
            let running = namespaces == nil ? nil : WayOut.running(place)
            if var program = running ?? WayOut.open(for: id, place) {
                write(companion.rawValue, &program, MemoryLayout<pid_t>.size)
            }
        }

        /// The process that was started by another supervisor or, where that was killed, one that takes its place.
        ///
        /// `nil` where no supervisor has its namespaces open either.
        init?(recordedIn file: FilePath) {
            let text = (try? FileOperations.read(file, limit: 100)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let numbers = text.split(whereSeparator: \.isWhitespace)
            guard numbers.count == 2, let id = pid_t(numbers[0]) else { return nil }
            // Its number may be another process's by now.
            if let holder = try? Holder(id), (try? Holder.inode(holder.network)).map({ "\($0)" == numbers[1] }) ?? false
            {
                self = holder
            } else if let supervisor = Holder(supervisorWith: "net:[\(numbers[1])]") {
                self = (try? Holder(startedFor: file, keeping: supervisor)) ?? supervisor
            } else {
                return nil
            }
        }

        /// A process of this program's that has a network namespace open.
        ///
        /// - Parameter network: As the links in `/proc` have it.
        private init?(supervisorWith network: String) {
            func names(_ directory: String) -> [String] {
                ((try? FileOperations.names(in: FilePath(directory))) ?? []).map { String(decoding: $0, as: UTF8.self) }
            }
            for process in names("/proc").compactMap({ pid_t($0) }) where process != getpid() {
                for descriptor in names("/proc/\(process)/fd") {
                    let path = "/proc/\(process)/fd/\(descriptor)"
                    var target = [UInt8](repeating: 0, count: 64)
                    let length = readlink(path, &target, target.count)
                    guard length > 0, target.prefix(length).elementsEqual(network.utf8),
                        let user = try? OpenFile(FilePath("/proc/\(process)/ns/user")),
                        let network = try? OpenFile(FilePath(path))
                    else { continue }
                    (self.user, self.network) = (user, network)
                    return
                }
            }
            return nil
        }

        private init(_ id: pid_t) throws(SystemError) {
            user = try OpenFile(FilePath("/proc/\(id)/ns/user"))
            network = try OpenFile(FilePath("/proc/\(id)/ns/net"))
        }

        private static func inode(_ file: OpenFile) throws(SystemError) -> UInt64 {
            try FileStatus.of(descriptor: file.descriptor, path: "network namespace").inode
        }
    }
}

/// Where the bridges, interfaces and rules of a store are.
enum BridgeSite: Sendable {
    /// In the machine's network namespace, where root makes them.
    case machine
    /// In that of the store.
    case namespace(NetworkNamespace)
    /// In one that this process has not entered. What is in it goes away with its containers.
    case elsewhere

    /// Whether this process may make them beside those of the machine.
    static let isMachine = sb_owns_network() != 0

    static var current: BridgeSite {
        if isMachine { return .machine }
        return StoreNamespace.current.map { .namespace($0) } ?? .elsewhere
    }

    /// Runs something there; `nil` where this process cannot.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(SystemError) -> Result
    ) throws(SystemError) -> Result? {
        switch self {
        case .machine: try body()
        case .namespace(let namespace): try namespace.run(body)
        case .elsewhere: nil
        }
    }
}
