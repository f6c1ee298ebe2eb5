package import ArgumentParser
import ChildProcesses
import CommandSupport
package import Containers
import FileSystem
package import Formatting
import Glibc
package import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild top`.
package struct TopCommand: Command {
    package static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "List the processes of a container.",
        discussion: """
            Processes have the numbers that they have on this machine. Options are those of ps(1), which is needed for them
            and must show the column PID.

            EXAMPLES:
              swiftbuild top web
              swiftbuild top web -o pid,etime,args
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Name or ID of a container.")
    var name: String

    @Argument(parsing: .captureForPassthrough, help: "Options of ps.")
    var options: [String] = []

    package init() {}

    package func run() async throws -> ExitStatus {
        let processes = try global.containers().find(name).processes()
        Terminal.print(options.isEmpty ? TopCommand.table(processes) : try await table(processes, options))
        return .success
    }

    /// What `ps -ef` shows.
    package static func table(_ processes: [ProcessStatus]) -> TextTable {
        var table = TextTable(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
        let clock = ProcessClock()
        for process in processes {
            table.append([
                TopCommand.user(process.userID), "\(process.processID)", "\(process.parentID)",
                "\(clock.share(of: process))", clock.startTime(of: process), TopCommand.terminal(process.terminal),
                ProcessClock.time(Int(process.processorTicks / ProcessStatus.ticks)), process.command,
            ])
        }
        return table
    }

    private static func user(_ id: UInt32) -> String {
        getpwuid(id).flatMap { $0.pointee.pw_name }.map { String(cString: $0) } ?? "\(id)"
    }

    /// The name of a terminal, by its device number (`proc_pid_stat(5)`).
    private static func terminal(_ number: Int32) -> String {
        let (major, minor) = (number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00)
        return switch major {
        case 0: "?"
        case 4: minor < 64 ? "tty\(minor)" : "ttyS\(minor - 64)"
        // UNIX98_PTY_SLAVE_MAJOR and the seven behind it.
        case 136...143: "pts/\((major - 136) << 8 | minor)"
        default: "\(major):\(minor)"
        }
    }

    /// The rows of the machine's `ps` that are about processes of the container, as Docker chooses them.
    private func table(_ processes: [ProcessStatus], _ options: [String]) async throws -> TextTable {
        let numbers = processes.map { "\($0.processID)" }
        // Some options, such as `f`, do not go with a choice of processes, and others show only those of a terminal without.
        var result = try await TopCommand.ps(options + ["-q", numbers.joined(separator: ",")])
        if result.status != 0 { result = try await TopCommand.ps(options) }
        guard result.status == 0 else {
            throw UserError("`ps \(options.joined(separator: " "))` failed: \(result.errors.prefix { $0 != "\n" })")
        }
        let rows = result.output.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true)
        }
        guard let heading = rows.first, let column = heading.firstIndex(of: "PID") else {
            throw UserError("`ps \(options.joined(separator: " "))` shows no column `PID`, which is needed")
        }
        let wanted = Set(numbers)
        var table = TextTable(heading.map(String.init))
        for row in rows.dropFirst() where row.count >= heading.count && wanted.contains(String(row[column])) {
            // The last column may have blanks.
            let last = row[(heading.count - 1)...].joined(separator: " ")
            table.append(row.prefix(heading.count - 1).map(String.init) + [last])
        }
        return table
    }
}

extension TopCommand {
    private static func ps(_ arguments: [String]) async throws -> ChildProcess.Result {
        do {
            return try await ChildProcess.run(
                ["ps"] + arguments,
                environment: ["PATH": ProcessEnvironment["PATH"] ?? ""]
            )
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            throw UserError("options need `ps`, which is not installed", hints: ["without options it is not needed"])
        }
    }
}

/// When processes were started, and how long they have run.
private struct ProcessClock {
    private let now = Glibc.time(nil)
    /// Seconds since the machine was started, in which the kernel's times of processes are.
    private let uptime: Int

    init() {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        uptime = time.tv_sec
    }

    private func age(_ process: ProcessStatus) -> Int { max(0, uptime - Int(process.start / ProcessStatus.ticks)) }

    /// How much of a processor a process has had, in percent of the time since it was started.
    func share(of process: ProcessStatus) -> Int {
        let age = age(process)
        return age > 0 ? min(99, Int(process.processorTicks / ProcessStatus.ticks) * 100 / age) : 0
    }

    /// The time of the day, or the day for one that was started earlier.
    func startTime(of process: ProcessStatus) -> String {
        var (start, today) = (now - age(process), now)
        var (moment, day) = (tm(), tm())
        localtime_r(&start, &moment)
        localtime_r(&today, &day)
        let isToday = moment.tm_yday == day.tm_yday && moment.tm_year == day.tm_year
        return ProcessClock.text(moment, isToday ? "%H:%M" : moment.tm_year == day.tm_year ? "%b%d" : "%Y")
    }

    private static func text(_ moment: tm, _ format: String) -> String {
        var (moment, buffer) = (moment, [CChar](repeating: 0, count: 32))
        let count = strftime(&buffer, buffer.count, format, &moment)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func time(_ seconds: Int) -> String {
        [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
