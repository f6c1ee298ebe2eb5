internal import Glibc

/// A thread that does one thing, for as long as it takes.
public final class HelperThread: Sendable {
    private let thread: pthread_t

    /// - Returns: `nil` where there can be no further thread.
    public init?(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread: pthread_t = 0
        let box = Unmanaged.passRetained(Box(body))
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            },
            box.toOpaque()
        )
        guard result == 0 else {
            box.release()
            return nil
        }
        self.thread = thread
    }

    /// Waits for its end; once.
    public func join() {
        pthread_join(thread, nil)
    }
}
