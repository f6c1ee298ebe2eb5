internal import Formatting
internal import Reporting

/// Pulls and pushes in Docker's words: what is said once, and what moves now.
struct TransferView {
    private struct Layer {
        let id: String
        let direction: TransferEvent.Direction
        var done: Int64 = 0
        var total: Int64 = 0
        var isWorking = false
        let begin = ContinuousClock.now
    }

    private var layers: [Layer] = []

    /// The line that an event leaves for good.
    static func line(_ event: TransferEvent) -> String? {
        // Notes quote servers.
        text(event).map { EscapedText.escaped($0) }
    }

    private static func text(_ event: TransferEvent) -> String? {
        switch event {
        case .started(.pull, let repository, let tag): "\(tag): Pulling from \(repository)"
        case .started(.push, let repository, _): "The push refers to repository [\(repository)]"
        case .note(let text): "note: \(text)"
        case .layer(.pull, let id, .exists): "\(id): Already exists"
        case .layer(.pull, let id, .done): "\(id): Pull complete"
        case .layer(.push, let id, .exists): "\(id): Layer already exists"
        case .layer(.push, let id, .mounted(let repository)): "\(id): Mounted from \(repository)"
        case .layer(.push, let id, .done): "\(id): Pushed"
        case .layer: nil
        }
    }

    mutating func take(_ event: TransferEvent) {
        guard case .layer(let direction, let id, let state) = event else { return }
        let known = layers.firstIndex { $0.id == id }
        switch state {
        case .waiting: return
        case .exists, .mounted, .done:
            if let known { layers.remove(at: known) }
            return
        case .moving, .working: break
        }
        if known == nil { layers.append(Layer(id: id, direction: direction)) }
        let place = known ?? layers.endIndex - 1
        layers[place].isWorking = state == .working
        if case .moving(let done, let total) = state { (layers[place].done, layers[place].total) = (done, total) }
    }

    /// A line for each layer that moves.
    var lines: [String] { layers.map(TransferView.line) }

    private static func line(_ layer: Layer) -> String {
        if layer.isWorking { return "\(layer.id): \(layer.direction == .pull ? "Extracting" : "Preparing")" }
        let filled = layer.total > 0 ? Int(20 * layer.done / layer.total) : 0
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 20 - filled)
        let duration = layer.begin.duration(to: .now)
        let rate = duration > .milliseconds(100) ? " \(HumanReadable.rate(layer.done, duration))" : ""
        let verb = layer.direction == .pull ? "Downloading" : "Pushing"
        return
            "\(layer.id): \(verb) [\(bar)] \(HumanReadable.size(layer.done))/\(HumanReadable.size(layer.total))\(rate)"
    }
}
