internal import Threads

/// Services that need each other, and work that follows their order.
struct ServiceGraph: Sendable {
    /// Each with those that have to be done before it.
    private let needs: [String: Set<String>]

    /// - Parameter needs: Without circles; services that are no key are left out.
    init(_ needs: [String: Set<String>]) {
        let known = Set(needs.keys)
        self.needs = needs.mapValues { $0.intersection(known) }
    }

    /// The same the other way round, in which services stop.
    var reversed: ServiceGraph {
        var result = needs.mapValues { _ in Set<String>() }
        for (service, others) in needs { for other in others { result[other]?.insert(service) } }
        return ServiceGraph(result)
    }

    /// Does something for each service once it is done for all those that it needs; for several at once where they do not
    /// need each other.
    ///
    /// - Throws: The first error; what has begun by then is finished or cancelled.
    func run(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: String.self) { group in
            var waiting = needs
            func begin() {
                let ready = waiting.filter { $0.value.isEmpty }.keys.sorted()
                for service in ready {
                    waiting[service] = nil
                    group.addTask {
                        try await body(service)
                        return service
                    }
                }
            }
            begin()
            while let done = try await group.next() {
                for service in waiting.keys { waiting[service]?.remove(done) }
                begin()
            }
        }
    }

    /// Calls `body` for each element of a collection, for several at once.
    ///
    /// - Throws: The first error; the others are cancelled.
    static func forEach<Element: Sendable>(
        _ elements: some Collection<Element>,
        _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for element in elements { group.addTask { try await body(element) } }
            // Not `waitForAll`, which lets the others go on after an error.
            while try await group.next() != nil {}
        }
    }
}
