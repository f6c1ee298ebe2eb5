internal import Synchronization
public import SystemPackage

/// A file that is read while it is still being written.
public final class GrowingFile: Sendable {
    /// The file will never be whole.
    public struct Abandoned: Error {}

    private enum End {
        case whole, abandoned
    }

    private struct State {
        var file: OpenFile?
        var path: FilePath = ""
        var size: Int64 = 0
        var end: End?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// Says which file it is, once.
    public func begin(_ path: FilePath) throws(SystemError) {
        let file = try OpenFile(path)
        state.withLock { ($0.file, $0.path) = (file, path) }
    }

    /// Says how many bytes the file has by now.
    public func grew(to size: Int64) {
        change { $0.size = size }
    }

    /// Says that the file has all its bytes.
    public func finish() {
        change { state in if state.end == nil { state.end = .whole } }
    }

    /// Says that nothing more comes, unless the file is whole.
    public func abandon() {
        change { state in if state.end == nil { state.end = .abandoned } }
    }

    /// Waits until there are bytes at an offset.
    ///
    /// - Returns: Whether there are; otherwise the file is whole, and ends there.
    /// - Throws: `Abandoned`. It does not end early where the task is cancelled: whoever writes ends it.
    public func hasBytes(at offset: Int64) async throws(Abandoned) -> Bool {
        while true {
            let (size, end) = state.withLock { ($0.size, $0.end) }
            if end == .abandoned { throw Abandoned() }
            if size > offset { return true }
            if end == .whole { return false }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    guard state.size <= offset, state.end == nil else { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    /// Reads what there is at an offset.
    ///
    /// - Returns: The number of bytes.
    public func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        let (file, path, size) = state.withLock { ($0.file, $0.path, $0.size) }
        guard let file else { return 0 }
        let there = Int(max(min(Int64(buffer.count), size - offset), 0))
        let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<there])
        let count = try FileOperations.read(
            wanted,
            from: file.descriptor,
            at: offset,
            bypassesPageCache: false,
            path: path
        )
        // A hole at the end that `SparseWriter` has yet to make.
        UnsafeMutableRawBufferPointer(rebasing: wanted[count...]).initializeMemory(as: UInt8.self, repeating: 0)
        return wanted.count
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
