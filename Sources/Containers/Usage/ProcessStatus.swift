internal import FileSystem
internal import Glibc
internal import SystemPackage

/// What `/proc` says about a process (`proc_pid_stat(5)`).
public struct ProcessStatus: Sendable {
    public let processID: Int32
    public let parentID: Int32
    /// The effective user.
    public let userID: UInt32
    /// The device number of its terminal; 0 for none.
    public let terminal: Int32
    /// Clock ticks since the machine was started.
    public let start: UInt64
    /// Clock ticks that it has had a processor for.
    public let processorTicks: UInt64
    /// Bytes in memory that no file has.
    public let memory: Int64
    /// Bytes that it has read from disks, and written to them.
    public let (read, written): (Int64, Int64)
    /// The program and its arguments; in brackets the name of one that has none.
    public let command: String

    /// - Returns: `nil` for one that has ended.
    init?(_ processID: Int32) {
        func file(_ name: String) -> String {
            let bytes = try? FileOperations.read(FilePath("/proc/\(processID)/\(name)"), limit: 1 << 16)
            return String(decoding: bytes ?? [], as: UTF8.self)
        }
        let text = file("stat")
        // The name of the program, in parentheses, may have any character.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 21 else { return nil }
        self.processID = processID
        parentID = Int32(fields[1]) ?? 0
        terminal = Int32(fields[4]) ?? 0
        processorTicks = (UInt64(fields[11]) ?? 0) + (UInt64(fields[12]) ?? 0)
        start = UInt64(fields[19]) ?? 0
        let status = ProcessStatus.values(file("status"))
        userID = status["Uid"].flatMap { UInt32($0.split(separator: "\t").dropFirst().first ?? "") } ?? 0
        memory = status["RssAnon"].flatMap { Int64($0.prefix { $0 != " " }) }.map { $0 << 10 } ?? 0
        let io = ProcessStatus.values(file("io"))
        read = io["read_bytes"].flatMap { Int64($0) } ?? 0
        written = io["write_bytes"].flatMap { Int64($0) } ?? 0
        let arguments = file("cmdline").split(separator: "\0", omittingEmptySubsequences: false).joined(separator: " ")
        let shown = arguments.hasSuffix(" ") ? String(arguments.dropLast()) : arguments
        command = shown.isEmpty ? "[\(text[text.index(after: open)..<close])]" : shown
    }

    /// Lines of `NAME:` and a value.
    private static func values(_ text: String) -> [Substring: Substring] {
        let pairs = text.split(separator: "\n").compactMap { line -> (Substring, Substring)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon], line[line.index(after: colon)...].drop { $0 == "\t" || $0 == " " })
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// Clock ticks of a second.
    public static let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
}

extension Container {
    /// The processes of a running container, in the order of their numbers.
    ///
    /// - Throws: `ContainerStoreError.notRunning`.
    public func processes() throws -> [ProcessStatus] {
        guard state.isRunning, ProcessIdentity.isProcess(of: state) else {
            throw ContainerStoreError.notRunning(record.name)
        }
        return processIDs.sorted().compactMap { ProcessStatus($0) }
    }

    /// Those of its control group; where there is none, those of its process namespace or, if it has none of its own, what
    /// its first process has started.
    private var processIDs: [Int32] {
        if let group = ControlGroup.groups(of: id).unified, let found = ControlGroup.processes(of: group) {
            return found
        }
        let all = ((try? FileOperations.names(in: "/proc")) ?? []).compactMap {
            Int32(String(decoding: $0, as: UTF8.self))
        }
        func namespace(_ process: String) -> String? {
            var target = [UInt8](repeating: 0, count: 64)
            let length = readlink("/proc/\(process)/ns/pid", &target, target.count)
            return length > 0 ? String(decoding: target.prefix(length), as: UTF8.self) : nil
        }
        if let own = namespace("\(state.processID)"), own != namespace("self") {
            return all.filter { namespace("\($0)") == own }
        }
        let parents = Dictionary(all.compactMap { ProcessStatus($0) }.map { ($0.processID, $0.parentID) }) { $1 }
        return all.filter { process in
            var ancestor = process
            while ancestor != state.processID, let parent = parents[ancestor], parent > 0 { ancestor = parent }
            return ancestor == state.processID
        }
    }
}
