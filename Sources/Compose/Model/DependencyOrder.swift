/// The order in which things start of which some need others first.
enum DependencyOrder {
    /// Those that are needed before those that need them, otherwise by name.
    case order([String])
    /// Each needs the next one, and the last one the first.
    case circle([String])

    /// - Parameter edges: Each name with those that it needs; unknown names are left out.
    init(_ edges: [(String, [String])]) {
        let needs = Dictionary(edges, uniquingKeysWith: { $1 })
        var order: [String] = []
        /// Absent, `false` while what it needs is looked at, then `true`.
        var isDone: [String: Bool] = [:]
        for start in needs.keys.sorted() where isDone[start] == nil {
            // A stack of our own: chains may be as long as files allow.
            var stack: [(name: String, rest: [String])] = [(start, (needs[start] ?? []).sorted().reversed())]
            isDone[start] = false
            while let top = stack.last {
                guard let next = top.rest.last else {
                    isDone[top.name] = true
                    order.append(top.name)
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].rest.removeLast()
                if needs[next] == nil || isDone[next] == true { continue }
                if isDone[next] == false {
                    let begin = stack.firstIndex { $0.name == next } ?? 0
                    self = .circle(stack[begin...].map(\.name))
                    return
                }
                isDone[next] = false
                stack.append((next, (needs[next] ?? []).sorted().reversed()))
            }
        }
        self = .order(order)
    }
}
