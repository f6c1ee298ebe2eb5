internal import CLinux
internal import Synchronization
public import SystemPackage

/// A pipe that this program reads or fills, not inherited by programs that it starts.
public final class AnonymousPipe: Sendable {
    private let source: OwnedDescriptor
    private let target: Mutex<OwnedDescriptor?>

    /// - Throws: `Errno`.
    public init() throws(Errno) {
        var ends: [Int32] = [-1, -1]
        guard sb_pipe_cloexec(&ends) == 0, let source = OwnedDescriptor(ends[0]), let target = OwnedDescriptor(ends[1])
        else { throw Errno.current }
        self.source = source
        self.target = Mutex(target)
    }

    /// The descriptor of the end that is read, as long as this value lives.
    public var reader: Int32 { source.rawValue }

    /// The descriptor of the end that is written to; -1 once it is closed.
    public var writer: Int32 { target.withLock { $0.rawValue ?? -1 } }

    /// Leaves other processes as the only ones that can write, so that reading ends with them.
    public func closeWriter() { target.withLock { $0 = nil } }
}
