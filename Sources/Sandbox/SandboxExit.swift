/// How a process ended.
public enum SandboxExit: Sendable, Equatable {
    /// It ended by itself, with this code.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// The code as a shell reports it: 128 + *n* for a signal.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}
