internal import CLinux
internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Which process a number means: numbers are used again, starting times are not.
enum ProcessIdentity {
    /// The kernel's time at which a process started, in clock ticks since the machine was; `nil` where there is none.
    static func startTime(of processID: Int32) -> UInt64? {
        guard let bytes = try? FileOperations.read(FilePath("/proc/\(processID)/stat"), limit: 4096) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // The name of the program, in parentheses, may have any character; the time is the 20th field after it.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// Whether a number still means the first process of a container.
    static func isProcess(of state: ContainerState) -> Bool {
        state.processID > 0 && startTime(of: state.processID) == state.processStart
    }

    /// A descriptor of a process; `nil` where it has ended.
    static func descriptor(of processID: Int32, startedAt start: UInt64) -> Int32? {
        let descriptor = sb_pidfd_open(processID)
        guard descriptor >= 0 else { return nil }
        guard startTime(of: processID) == start else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
