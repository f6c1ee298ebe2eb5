internal import Foundation

/// Bounds how many tests run the binary at once, and keeps others away from those that measure time.
actor Gate {
    // One more than run at once: a test also waits.
    static let shared = Gate(capacity: max(3, ProcessInfo.processInfo.activeProcessorCount + 1))

    enum Share {
        case one
        case all
        /// For a fixture that is used within another one.
        case none
    }

    private let capacity: Int
    private var used = 0
    private var waiting: [(weight: Int, continuation: CheckedContinuation<Void, Never>)] = []

    init(capacity: Int) {
        self.capacity = capacity
    }

    func enter(_ share: Share) async {
        let weight = weight(share)
        if weight == 0 || (waiting.isEmpty && used + weight <= capacity) {
            used += weight
        } else {
            await withCheckedContinuation { waiting.append((weight, $0)) }
        }
    }

    func leave(_ share: Share) {
        used -= weight(share)
        while let next = waiting.first, used + next.weight <= capacity {
            used += next.weight
            waiting.removeFirst()
            next.continuation.resume()
        }
    }

    private func weight(_ share: Share) -> Int {
        switch share {
        case .none: 0
        case .one: 1
        case .all: capacity
        }
    }
}
