internal import ContainerRuntime
internal import Glibc
internal import OCI
internal import Sandbox
internal import Threads

/// The health checks of a running container, one at a time, without a thread of their own.
final class HealthMonitor {
    private let check: HealthCheck?
    /// Starts a command beside the container's process; `nil` where that does not run.
    private var launch: (([String], SandboxStreams) throws -> SandboxProcess)?
    private var started: Int64 = 0
    private var wasHealthy = false
    /// When the next check starts; `nil` while one runs, or where there are none.
    private var startTime: Int64?
    private var current: Current?

    private struct Current {
        let process: SandboxProcess
        let streams: ProcessStreams
        let start = Timestamp.now
        let deadline: Int64
        var output: [UInt8] = []
        var isLate = false
    }

    /// Docker's limit of what is kept of a check's output, in bytes.
    private static let outputLimit = 4096

    init(_ check: HealthCheck?) { self.check = check }

    /// Begins with the checks of a container that has just started.
    ///
    /// - Parameter launch: Starts a command beside its process.
    func begin(_ launch: @escaping ([String], SandboxStreams) throws -> SandboxProcess) {
        guard let check else { return }
        self.launch = launch
        started = Pause.now
        wasHealthy = false
        startTime = started + (check.startPeriod > 0 ? check.startInterval : check.interval)
    }

    func end() {
        current?.process.kill()
        _ = try? current?.process.wait()
        current = nil
        launch = nil
        startTime = nil
    }

    /// When something is to be done without anything having happened, in nanoseconds of `Pause.now`.
    var nextTime: Int64? { current.map { $0.isLate ? .max : $0.deadline } ?? startTime }

    /// What to wait for.
    var entries: [pollfd] {
        guard let current else { return [] }
        return ([current.process.endDescriptor] + current.streams.outputs.map(\.descriptor)).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
    }

    /// Does what is due, and looks at what has happened.
    ///
    /// - Returns: The result of a check that has ended.
    func advance(to now: Int64) -> ContainerState.Health.Result? {
        if let time = startTime, time <= now { return start(at: now) }
        guard current != nil else { return nil }
        if let current, current.deadline <= now, !current.isLate {
            self.current?.isLate = true
            current.process.kill()
        }
        read()
        guard let current, isEnded(current.process) else { return nil }
        read()
        self.current = nil
        schedule(after: now)
        let code = (try? current.process.wait().code) ?? 1
        let text = String(decoding: current.output, as: UTF8.self)
        let late = "health check exceeded the timeout of \((check?.timeout ?? 0) / 1_000_000) ms"
        return .init(
            start: current.start,
            end: .now,
            exitCode: current.isLate ? -1 : code,
            output: current.isLate ? late + (text.isEmpty ? "" : ": \(text)") : text
        )
    }

    /// Whether failures do not count yet.
    func isStarting(at now: Int64) -> Bool { !wasHealthy && now - started < (check?.startPeriod ?? 0) }

    func noteHealthy() { wasHealthy = true }

    private func schedule(after now: Int64) {
        guard let check, launch != nil else { return }
        startTime = now + (isStarting(at: now) ? check.startInterval : check.interval)
    }

    private func start(at now: Int64) -> ContainerState.Health.Result? {
        startTime = nil
        guard let check, let launch else { return nil }
        let start = Timestamp.now
        do {
            let streams = try ProcessStreams(usesTerminal: false, isInteractive: false)
            let process = try launch(check.command, streams.streams)
            streams.closeProcessEnds()
            current = Current(process: process, streams: streams, deadline: now + check.timeout)
            return nil
        } catch {
            schedule(after: now)
            return .init(start: start, end: .now, exitCode: -1, output: "\(error)")
        }
    }

    private func isEnded(_ process: SandboxProcess) -> Bool {
        var entry = pollfd(fd: process.endDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    private func read() {
        guard let streams = current?.streams else { return }
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            for output in streams.outputs {
                while streams.read(
                    output.descriptor,
                    buffer,
                    { bytes in
                        let room = max(0, HealthMonitor.outputLimit - (current?.output.count ?? 0))
                        current?.output += bytes.prefix(room)
                    }
                ) {}
            }
        }
    }
}

extension ContainerState.Health {
    /// Takes in the result of a check.
    ///
    /// - Parameter isStarting: Whether a failure does not count yet.
    mutating func add(_ result: Result, retries: Int, isStarting: Bool) {
        log = (log + [result]).suffix(5)
        if result.exitCode == 0 {
            failingStreak = 0
            status = .healthy
        } else if !isStarting {
            failingStreak += 1
            if failingStreak >= retries { status = .unhealthy }
        }
    }
}
