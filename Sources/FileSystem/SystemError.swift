public import SystemPackage

#if canImport(Glibc)
    internal import Glibc
#endif

/// A system call that failed: what was tried, on which path, and the kernel's reason.
public struct SystemError: Error, Sendable, Equatable {
    /// What was tried, as a verb phrase: `open`, `create directory`.
    public let operation: String
    public let path: FilePath
    public let errno: Errno

    public init(_ operation: String, _ path: FilePath, errno: Errno) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// Takes the reason from the calling thread's `errno`, so create it right after the call.
    public init(_ operation: String, _ path: FilePath) {
        self.init(operation, path, errno: Errno.current)
    }
}

extension SystemError {
    static let readPipe = "read the named pipe"
    static let readTerminal = "read the terminal"

    /// Why not, without what was tried on what.
    public var reason: String {
        switch operation {
        case SystemError.readPipe: "it is a named pipe"
        case SystemError.readTerminal: "it is a terminal"
        default: errno.sentence
        }
    }
}

extension Errno {
    /// The calling thread's last error.
    public static var current: Errno { Errno(rawValue: Glibc.errno) }
}

extension SystemError: CustomStringConvertible {
    public var description: String {
        let isRefused = operation == SystemError.readPipe || operation == SystemError.readTerminal
        return "cannot \(isRefused ? "read" : operation) `\(path)`: \(reason)"
    }
}

extension Errno {
    /// The kernel's reason with the first letter in lower case, to stand inside a sentence.
    public var sentence: String {
        let text = description
        guard let first = text.first else { return "error \(rawValue)" }
        return first.lowercased() + text.dropFirst()
    }
}
