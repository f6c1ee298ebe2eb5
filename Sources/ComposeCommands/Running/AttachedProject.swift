internal import CommandSupport
internal import Compose
internal import Containers
internal import Glibc
internal import Reporting
internal import Synchronization
internal import TerminalUI
internal import Threads

/// The output of a project's containers in the place of this process, which ends with them.
struct AttachedProject {
    /// When all containers are stopped.
    enum Ending: Equatable {
        /// Once the last one has ended.
        case withLast
        case withAny
        /// Once one has ended with an exit code that is not 0.
        case withFailure
        /// Once a container of a service has ended, whose exit code becomes this program's.
        case withService(String)
    }

    let run: ProjectRun
    /// Those whose output is shown.
    let services: Set<String>
    /// What goes on meanwhile; containers that it makes are shown too, and it ends with a signal only.
    let watch: ProjectWatch?
    let style: ServiceLogs.Style
    /// Nanoseconds since 1970: what was written before is not shown.
    let since: Int64
    let ending: Ending

    /// How often the user has asked for the end.
    private final class Requests: Sendable {
        private let count = Mutex(0)

        func add() -> Int {
            count.withLock {
                $0 += 1; return $0
            }
        }

        private let hasStopped = Mutex(false)

        /// Whether all containers have been stopped.
        var isDone: Bool {
            get { hasStopped.withLock { $0 } }
            set { hasStopped.withLock { $0 = newValue } }
        }

        var isStopping: Bool { count.withLock { $0 > 0 } }
        var isKilling: Bool { count.withLock { $0 > 1 } }
    }

    /// - Returns: 0, the exit code that the ending asks for, or 130 after a signal.
    func show() async throws -> ExitStatus {
        let requests = Requests()
        Signals.forward { arrival in
            guard arrival.endsPrograms else { return Signals.obey(arrival) }
            switch requests.add() {
            case 1: Terminal.write("\nstopping the containers; another Ctrl-C kills them\n", to: STDERR_FILENO)
            case 2: Terminal.write("\nkilling the containers\n", to: STDERR_FILENO)
            default: _exit(ExitStatus.interrupted.rawValue)
            }
        }
        var selection = LogSelection()
        selection.since = since
        let logs = ServiceLogs(try containers(), style, selection)
        let code = try await withThrowingTaskGroup(of: Void.self, returning: Int32?.self) { group in
            if let watch { group.addTask(executorPreference: BlockingExecutor.shared) { await follow(watch) } }
            let code = try await follow(logs, requests)
            group.cancelAll()
            return code
        }
        if code != nil || requests.isStopping { try await stop(requests, logs) }
        logs.finish()
        if requests.isStopping { return .interrupted }
        return ExitStatus(rawValue: code ?? 0)
    }

    /// Shows output until there is no more.
    ///
    /// - Returns: The exit code that ends everything; `nil` for none.
    private func follow(_ logs: ServiceLogs, _ requests: Requests) async throws -> Int32? {
        var code: Int32?
        try await logs.follow(
            run.project.store,
            tellsEnds: true,
            joining: watch.map { _ in containers },
            isOver: { requests.isStopping || code != nil },
            onEnd: { container, exitCode in
                guard code == nil else { return }
                switch ending {
                case .withLast: break
                case .withAny: code = exitCode
                case .withFailure: code = exitCode == 0 ? nil : exitCode
                case .withService(let service): code = service == container.service ? exitCode : nil
                }
            }
        )
        return code
    }

    /// Brings changes to the containers until it is cancelled.
    private func follow(_ watch: ProjectWatch) async {
        do {
            try await watch.follow()
        } catch is CancellationError {
        } catch {
            FailureReport(error).write()
        }
    }

    private func containers() throws -> [ServiceContainer] {
        try run.project.containers().filter { services.contains($0.service) && !$0.isOneOff }
    }

    /// Stops all containers that were started, those that need others first, and shows what they write meanwhile.
    private func stop(_ requests: Requests, _ logs: ServiceLogs) async throws {
        let names = run.definition.services.map(\.name)
        let containers = try run.project.containers(of: names).filter(\.isRunning)
        let (project, timeout) = (run.project, run.flags.timeout)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { requests.isDone = true }
                try await ProjectStop(project: project, timeout: timeout).stop(containers)
            }
            group.addTask {
                while !requests.isDone {
                    if requests.isKilling {
                        for container in containers { try? container.container.kill(SIGKILL) }
                        return
                    }
                    try await Pause.wait(seconds: 0.05)
                }
            }
            // Not in a task: only one at a time may read.
            while !requests.isDone {
                logs.printNew()
                try await Pause.wait(seconds: 0.05)
            }
            while try await group.next() != nil {}
        }
        logs.printNew()
    }
}
