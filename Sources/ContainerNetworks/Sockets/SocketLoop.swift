internal import CLinux
internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import Threads

/// One thread that serves all sockets of a container: its published ports and its name server.
final class SocketLoop: Sendable {
    private struct State {
        var jobs: [@Sendable (SocketTable) -> Void] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let waking: OpenFile
    private let thread = Mutex<WorkerThread?>(nil)

    /// Starts the thread, in a network namespace; by default that of the calling one.
    init(in namespace: NetworkNamespace? = nil) throws(SystemError) {
        var ends: [Int32] = [0, 0]
        guard sb_pipe_cloexec(&ends) == 0, let source = OwnedDescriptor(ends[0]), let target = OwnedDescriptor(ends[1])
        else { throw SystemError("make a pipe for", "published ports") }
        let reader = OpenFile(source)
        waking = OpenFile(target)
        let started = WorkerThread { [weak self] in
            // Where that fails, connections to containers do.
            if let namespace { _ = sb_enter_network(namespace.descriptor) }
            let table = SocketTable()
            table.watch(reader, for: POLLIN) { _ in
                var byte: UInt8 = 0
                read(reader.descriptor, &byte, 1)
            }
            while let jobs = self?.takeJobs() {
                for job in jobs { job(table) }
                table.serve()
            }
            table.forgetAll()
        }
        guard let started else {
            throw SystemError("start a thread for", "published ports", errno: .resourceTemporarilyUnavailable)
        }
        thread.withLock { $0 = started }
    }

    /// Runs something on the thread, after what it is doing.
    func perform(_ job: @escaping @Sendable (SocketTable) -> Void) {
        state.withLock { $0.jobs.append(job) }
        wake()
    }

    /// Ends the thread and closes all sockets.
    func stop() {
        state.withLock { $0.isStopping = true }
        wake()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private func takeJobs() -> [@Sendable (SocketTable) -> Void]? {
        state.withLock { state in
            defer { state.jobs = [] }
            return state.isStopping ? nil : state.jobs
        }
    }

    private func wake() { write(waking.descriptor, [0], 1) }
}

/// The sockets that one thread waits for, used by that thread only.
final class SocketTable {
    private struct Entry {
        let file: OpenFile
        let events: Int32
        /// In the clock's milliseconds.
        let deadline: Int64
        let handler: (Int32) -> Void
    }

    private var entries: [Int32: Entry] = [:]
    /// Whether more sockets can be opened without taking the last descriptors of the process.
    var hasRoom: Bool { entries.count < limit }
    private let limit: Int
    /// For whatever is received; its content is used before the next call.
    var buffer = [UInt8](repeating: 0, count: 1 << 16)

    init() {
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        limit = Int(clamping: limits.rlim_cur) * 3 / 4
    }

    /// Calls `handler` whenever one of `events`, an error or the end is there (poll(2)).
    ///
    /// With 0 it is called when a time has passed. Replaces what was said of this descriptor before; without events the
    /// descriptor is not looked at.
    func watch(
        _ file: OpenFile,
        for events: Int32,
        seconds: Double = .infinity,
        _ handler: @escaping (Int32) -> Void
    ) {
        let deadline = seconds.isInfinite ? Int64.max : SocketTable.now + Int64(seconds * 1000)
        entries[file.descriptor] = Entry(
            file: file,
            events: events,
            deadline: deadline,
            handler: handler
        )
    }

    /// Closes a descriptor unless something else still has it.
    func forget(_ file: OpenFile) {
        if entries[file.descriptor]?.file === file { entries[file.descriptor] = nil }
    }

    /// Closes all, of which most have handlers that keep this table.
    func forgetAll() { entries = [:] }

    /// Waits once, and calls the handlers of all that is ready.
    func serve() {
        let watched = Array(entries.values)
        var polled = watched.map {
            pollfd(fd: $0.events == 0 ? -1 : $0.file.descriptor, events: Int16($0.events), revents: 0)
        }
        let deadline = watched.map(\.deadline).min() ?? .max
        let timeout = deadline == .max ? -1 : Int32(clamping: max(0, deadline - SocketTable.now))
        guard poll(&polled, nfds_t(polled.count), timeout) >= 0 else { return }
        let now = SocketTable.now
        for (entry, polled) in zip(watched, polled) where polled.revents != 0 || entry.deadline <= now {
            // A handler that was called before may have closed this one and opened another of its number.
            guard let current = entries[entry.file.descriptor], current.file === entry.file else {
                continue
            }
            current.handler(Int32(polled.revents))
        }
    }

    /// Milliseconds, as poll(2) counts.
    private static var now: Int64 { Pause.now / 1_000_000 }
}
