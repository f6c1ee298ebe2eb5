internal import CLinux
public import ContainerNetworks
internal import ContainerRuntime
internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import Sandbox
internal import SystemPackage
internal import Threads

/// The process beside a container: it starts the container's process and sees it to its end, keeps its log, and does
/// what clients ask for.
///
/// One thread does everything but what `LiveNetworks` serves. The container's process ends with this one, whatever ends it.
public final class Supervisor {
    private let store: ContainerStore
    private let id: ContainerID
    private var record: ContainerRecord
    private var state: ContainerState
    /// Held as long as the container is this supervisor's.
    private var lock: FileLock?
    private let log: ContainerLog
    private var connections: [Connection] = []
    private var listener: ControlSocket?
    private let signals: SignalPipe
    private var running: ContainerProcess?
    /// Kept while the process is started again.
    private var network: NetworkAccess?
    /// When the process is killed that was asked to end.
    private var killTime: Int64?
    /// When it is started again.
    private var restartTime: Int64?
    private var delay = RestartDelay()
    /// Whether the container goes away once it has ended.
    private var isRemoved = false
    private let health: HealthMonitor
    private var commands = DetachedCommands()

    /// - Throws: `ContainerStoreError.running` where the container has a supervisor, `.filesInUse`.
    public init(_ id: ContainerID, in store: ContainerStore) throws {
        self.store = store
        self.id = id
        lock = try store.lockSupervisor(id, waiting: 10)
        let container = try store.container(id)
        record = container.record
        state = container.state
        log = ContainerLog(container.directory.appending("log"), record.log)
        signals = try SignalPipe()
        health = HealthMonitor(record.health)
        isRemoved = record.isRemovedAfterwards
    }

    /// Runs the container until it has ended for good.
    ///
    /// - Parameter starter: A connection whose request says how the starter goes on; it is told whether the process runs.
    public func run(starter: Int32) {
        // Nothing else that is started keeps it open.
        _ = fcntl(starter, F_SETFD, FD_CLOEXEC)
        let starter = Connection(starter, isStarter: true)
        connections = [starter]
        waitForRequest(starter)
        if case .attach(_, _, let command?) = starter.request { record.replaceCommand(by: command) }
        (state.restartCount, state.wasStopped, state.error) = (0, false, "")
        do {
            listener = try ControlSocket(in: store.directory(id))
            try start()
            starter.send(Frame(.done, String(state.processID)))
        } catch {
            let (reason, code) = Supervisor.reason(error)
            state.status = .exited
            state.exitCode = code
            state.error = reason
            state.finished = Timestamp.now
            finish()
            starter.send(Frame(.failure, "\(code) \(reason)"))
            leave()
            return
        }
        // From here on it waits most of the time.
        sb_release_code()
        while running != nil || restartTime != nil { step() }
        finish()
        for connection in connections {
            connection.send(Frame(.exit, String(state.exitCode)))
            connection.send(Frame(.done))
        }
        leave()
    }

    /// The starter writes its request before it waits for anything.
    private func waitForRequest(_ starter: Connection) {
        var entry = pollfd(fd: starter.descriptor, events: Int16(POLLIN), revents: 0)
        while starter.isOpen, starter.request == nil, poll(&entry, 1, 10_000) > 0 {
            handle(starter.receive(), of: starter)
        }
    }

    /// Docker's exit codes for what could not be started.
    private static func reason(_ error: any Error) -> (String, Int32) {
        guard let error = error as? SandboxError, error.reason == .execution else { return ("\(error)", 128) }
        return ("\(error)", error.errno == .noSuchFileOrDirectory ? 127 : 126)
    }

    // MARK: Starting

    private func start() throws {
        let network = try network ?? NetworkAccess(record, in: store)
        self.network = network
        var size: TerminalSize?
        for case .attach(_, let shown?, _)? in connections.map(\.request) { size = shown }
        let running = try ContainerProcess.start(record, in: store, network, size)
        self.running = running
        state.status = .running
        state.processID = running.process.processID
        state.processStart = ProcessIdentity.startTime(of: running.process.processID) ?? 0
        state.isolation = running.isolation
        state.bootID = BootID.current.description
        state.supervisorID = getpid()
        state.started = Timestamp.now
        state.exitCode = 0
        state.endpoints = network.endpoints
        state.health = record.health.map { _ in .init() }
        save()
        store.note("start", id)
        health.begin { [store, record] command, streams in
            var process = record.process
            process.arguments = command
            let descriptor = running.process.processDescriptor
            return try store.launch(process, beside: descriptor, of: record, running.isolation, streams)
        }
    }

    // MARK: Running

    /// Waits until something happens, and does what is to be done about it.
    private func step() {
        let isSlow = connections.contains { $0.isAttached && $0.isSlow }
        let takesInput = running?.streams.takesInput ?? true
        let isReadable = Int16(POLLIN)
        var entries = [
            pollfd(fd: signals.descriptor, events: isReadable, revents: 0),
            pollfd(fd: listener?.descriptor ?? -1, events: isReadable, revents: 0),
            pollfd(fd: running?.process.endDescriptor ?? -1, events: isReadable, revents: 0),
            pollfd(fd: running?.streams.writableDescriptor ?? -1, events: Int16(POLLOUT), revents: 0),
        ]
        let outputs = isSlow ? [] : running?.streams.outputs ?? []
        entries += outputs.map { pollfd(fd: $0.descriptor, events: isReadable, revents: 0) }
        let firstClient = entries.count
        let clients = connections
        entries += clients.map { client in
            let events = (takesInput || !client.givesInput ? isReadable : 0) | (client.hasPending ? Int16(POLLOUT) : 0)
            return pollfd(fd: client.descriptor, events: events, revents: 0)
        }
        entries += health.entries
        entries += commands.entries
        guard poll(&entries, nfds_t(entries.count), timeout) >= 0 else { return }
        if entries[0].revents != 0, signals.take() { stop(signal: nil, timeout: nil) }
        if entries[1].revents != 0, let connection = listener?.accept() { connections.append(connection) }
        if entries[3].revents != 0 { running?.streams.flush() }
        for (index, output) in outputs.enumerated() where entries[4 + index].revents != 0 { show(output) }
        for (index, client) in clients.enumerated() {
            let events = entries[firstClient + index].revents
            if events & Int16(POLLOUT) != 0 { client.flush() }
            if events & ~Int16(POLLOUT) != 0 { handle(client.receive(), of: client) }
        }
        for client in connections where !client.isOpen { closed(client) }
        connections.removeAll { !$0.isOpen }
        noteEndedCommands()
        if entries[2].revents != 0 { ended() }
        doWhatIsDue()
    }

    /// Milliseconds until something is due; -1 for never.
    private var timeout: Int32 {
        if running?.streams.isPressingEnd ?? false { return 100 }
        guard let next = [killTime, restartTime, isPaused ? nil : health.nextTime].compactMap({ $0 }).min() else {
            return -1
        }
        return Int32(clamping: max(0, (next - Pause.now + 999_999) / 1_000_000))
    }

    private func doWhatIsDue() {
        if let streams = running?.streams, streams.isPressingEnd { streams.flush() }
        let now = Pause.now
        if let time = killTime, time <= now {
            killTime = nil
            kill(SIGKILL)
        }
        if let time = restartTime, time <= now { restart() }
        // A process that begins in a paused group would never begin.
        if !isPaused { takeHealth(at: now) }
    }

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    deinit { buffer.deallocate() }

    @discardableResult
    private func show(_ output: (stream: LogStream, descriptor: Int32)) -> Bool {
        guard let streams = running?.streams else { return false }
        return streams.read(output.descriptor, buffer) { bytes in
            log.append(bytes, output.stream, at: .now)
            let frame = Frame(output.stream == .output ? .output : .error, Array(bytes))
            for connection in connections where connection.isAttached { connection.send(frame) }
        }
    }

    // MARK: Clients

    private func handle(_ frames: [Frame], of client: Connection) {
        if let request = client.request, !client.isHandled { handle(request, of: client) }
        for frame in frames {
            switch frame.kind {
            case .input where client.givesInput: running?.streams.write(frame.bytes)
            case .endOfInput where client.isAttached: running?.streams.endInput()
            case .signal: Int32(frame.text).map { running?.process.kill($0) }
            case .resize:
                if let size = try? CanonicalJSON.decode(TerminalSize.self, from: frame.bytes) {
                    running?.streams.resize(to: size)
                }
            default: break
            }
        }
    }

    private func handle(_ request: Request, of client: Connection) {
        client.isHandled = true
        switch request {
        case .attach(_, let size, _): if let size { running?.streams.resize(to: size) }
        case .wait: break
        case .stop(let signal, let timeout): stop(signal: signal, timeout: timeout)
        case .kill(let signal):
            // Docker: a container that somebody killed stays down.
            if signal == SIGKILL || signal == record.stopSignal { state.wasStopped = true }
            kill(signal)
            client.send(Frame(.done))
        case .remove:
            isRemoved = true
            state.wasStopped = true
            restartTime = nil
            resume()
            kill(SIGKILL)
        case .pause: answer(client) { try setPaused(true) }
        case .resume: answer(client) { try setPaused(false) }
        case .execute(let specification): answer(client) { try execute(specification) }
        case .connect(let attachment): answer(client) { try changeNetwork { try $0.connect(attachment) } }
        case .disconnect(let network): answer(client) { try changeNetwork { try $0.disconnect(network) } }
        }
    }

    /// Does what a client asked for, and tells it that it is done or why it is not.
    private func answer(_ client: Connection, _ body: () throws -> Void) {
        do {
            try body()
            client.send(Frame(.done))
        } catch {
            let (reason, code) = Supervisor.reason(error)
            client.send(Frame(.failure, "\(code) \(reason)"))
        }
    }

    private func execute(_ command: ProcessSpecification) throws {
        guard let process = running?.process else { throw ContainerStoreError.notRunning(record.name) }
        guard !isPaused else { throw ContainerStoreError.paused(record.name) }
        try commands.start {
            try store.launch(command, beside: process.processDescriptor, of: record, state.isolation, $0)
        }
        store.noteExecution(of: command.arguments, in: record)
    }

    private func noteEndedCommands() {
        for code in commands.collect() { store.note("exec_die", id, ["exitCode": "\(code)"]) }
    }

    private func changeNetwork(_ change: (LiveNetworks) throws -> Void) throws {
        guard case .connected(let networks)? = network else { throw ContainerStoreError.sharesNetwork(record.name) }
        try change(networks)
        state.endpoints = networks.endpoints
        save()
    }

    private func setPaused(_ isPause: Bool) throws {
        guard let group = running?.group else {
            throw ContainerStoreError.unsupported("this machine has no control group that could pause the container")
        }
        guard group.setFrozen(isPause) else {
            throw ContainerStoreError.unsupported("could not freeze the control group")
        }
        state.status = isPause ? .paused : .running
        save()
        store.note(isPause ? "pause" : "unpause", id)
    }

    private var isPaused: Bool { state.status == .paused }

    /// Lets a paused container go on, so that it can end.
    private func resume() {
        if isPaused, running?.group?.setFrozen(false) ?? false { state.status = .running }
    }

    /// Sends the process a signal that somebody asked for; the event comes first, since the process may end at once.
    private func kill(_ signal: Int32) {
        guard let process = running?.process else { return }
        store.note("kill", id, ["signal": "\(signal)"])
        process.kill(signal)
    }

    /// - Parameter timeout: Seconds; `nil` for the container's own, -1 for ever.
    private func stop(signal: Int32?, timeout: Int?) {
        state.wasStopped = true
        if restartTime != nil {
            restartTime = nil
            return
        }
        resume()
        kill(signal ?? record.stopSignal)
        let seconds = timeout ?? record.stopTimeout
        if seconds >= 0 { killTime = Pause.now + Int64(seconds) * 1_000_000_000 }
    }

    /// The input of a container that was started by this client ends with it, as with Docker's.
    private func closed(_ client: Connection) {
        if client.givesInput, client.isStarter { running?.streams.endInput() }
    }

    // MARK: The end

    /// The process has ended: what it wrote is all there, and it may be started again.
    private func ended() {
        guard let running else { return }
        health.end()
        for output in running.streams.outputs { while show(output) {} }
        log.finish(at: .now)
        let code = (try? running.process.wait().code) ?? 137
        state.isOutOfMemory = running.group?.wasOutOfMemory ?? false
        if record.machine.sharesProcesses { running.group?.kill() }
        running.group?.remove()
        self.running = nil
        killTime = nil
        (state.exitCode, state.processID, state.finished) = (code, 0, .now)
        store.note("die", id, ["exitCode": "\(code)"])
        guard !state.wasStopped, record.restart.restarts(afterExitCode: code, count: state.restartCount)
        else { return }
        state.status = .restarting
        save()
        restartTime = delay.next(since: running.start)
    }

    private func restart() {
        restartTime = nil
        state.restartCount += 1
        do {
            try start()
        } catch {
            let (reason, code) = Supervisor.reason(error)
            state.exitCode = code
            state.error = reason
            guard record.restart.restarts(afterExitCode: code, count: state.restartCount) else { return }
            restartTime = delay.next(since: Pause.now)
        }
    }

    /// Leaves the container to others, who see its end from now on.
    private func finish() {
        listener = nil
        network?.stop()
        network = nil
        state.endpoints = []
        state.status = .exited
        state.processID = 0
        if isRemoved {
            if let container = try? store.container(id) {
                try? VolumeStore(store.layers).removeAnonymous(of: container, containers: store)
            }
            store.note("destroy", id)
            try? store.store.discard(store.directory(id))
        } else {
            save()
        }
        lock = nil
    }

    private func leave() {
        for connection in connections { connection.drain(milliseconds: 5000) }
        connections = []
    }

    private func save() {
        if (try? store.write(state, id, "state.json")) == nil { try? store.overwrite(state, id) }
    }

    private func takeHealth(at now: Int64) {
        guard let result = health.advance(to: now), var known = state.health else { return }
        if result.exitCode == 0 { health.noteHealthy() }
        known.add(result, retries: record.health?.retries ?? 3, isStarting: health.isStarting(at: now))
        if known.status != state.health?.status { store.note("health_status: \(known.status.rawValue)", id) }
        state.health = known
        save()
    }
}
