internal import Foundation

/// Bounds how many tests run the binary at once, and keeps others away from those that measure time.
actor Gate {
    // More than run at once: tests also wait, for servers, for time, and for threads of their own process.
    static let shared = Gate(capacity: 2 * ProcessInfo.processInfo.activeProcessorCount + 2)

    enum Share {
        case one
        case all
        /// For a fixture that is used within another one.
        case none
    }

    private let capacity: Int
    private var used = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// Those that want everything come when nobody else waits: the others would idle until the last of them has left.
    private var waitingForAll: [CheckedContinuation<Void, Never>] = []

    init(capacity: Int) {
        self.capacity = capacity
    }

    func enter(_ share: Share) async {
        switch share {
        case .none: break
        case .one where used < capacity: used += 1
        case .one: await withCheckedContinuation { waiting.append($0) }
        case .all where used == 0: used = capacity
        case .all: await withCheckedContinuation { waitingForAll.append($0) }
        }
    }

    func leave(_ share: Share) {
        switch share {
        case .none: return
        case .one: used -= 1
        case .all: used = 0
        }
        while used < capacity, !waiting.isEmpty {
            used += 1
            waiting.removeFirst().resume()
        }
        if used == 0, !waitingForAll.isEmpty {
            used = capacity
            waitingForAll.removeFirst().resume()
        }
    }
}
