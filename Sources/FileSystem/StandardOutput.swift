internal import Glibc
internal import Synchronization
public import SystemPackage

/// Standard output and standard error as the places of data.
///
/// A command that has done its work is not undone because its words could not be written. So a write that fails does not
/// throw: it is remembered, later ones are not tried, and the program asks at its end. A reader that has closed the pipe
/// has what it wanted.
public enum StandardOutput {
    /// What errors call it where a path stands otherwise.
    public static let name: FilePath = "standard output"

    private struct State {
        var isStopped = false
        var failure: SystemError?
    }

    private static let output = Mutex(State())
    private static let error = Mutex(State())

    /// Writes to standard output.
    public static func write(_ bytes: [UInt8]) { write(bytes, STDOUT_FILENO, name, output) }

    /// Writes data to standard error, where some programs read it.
    public static func writeToStandardError(_ bytes: [UInt8]) {
        write(bytes, STDERR_FILENO, "standard error", error)
    }

    private static func write(_ bytes: [UInt8], _ descriptor: Int32, _ name: FilePath, _ state: borrowing Mutex<State>)
    {
        state.withLock { state in
            guard !state.isStopped, !bytes.isEmpty else { return }
            do {
                try bytes.withUnsafeBytes { try FileOperations.write($0, to: descriptor, path: name) }
            } catch {
                state.isStopped = true
                if let error = error as? SystemError, error.errno != .brokenPipe { state.failure = error }
            }
        }
    }

    /// Does something that writes to standard output by itself; a reader that closes the pipe early is not an error.
    public static func ignoringClosedPipe(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as SystemError where error.errno == .brokenPipe && error.path == name {
            return
        }
    }

    /// The first write that failed for a reason other than a closed pipe.
    public static var failure: SystemError? { output.withLock(\.failure) ?? error.withLock(\.failure) }

    /// Occupies the descriptors of standard streams that the caller closed: reading from and writing to them fails.
    ///
    /// Otherwise a file that is opened later would get the descriptor, and what is meant for the stream.
    public static func occupyClosedStreams() {
        for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) < 0 {
            // The lowest free descriptor is this one.
            _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
