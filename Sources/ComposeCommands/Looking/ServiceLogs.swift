internal import Containers
internal import Glibc
internal import OCI
internal import Synchronization
internal import TerminalUI
internal import Threads

/// The output of several containers, each line with the name of its container in front.
final class ServiceLogs {
    struct Style {
        var hasPrefix = true
        var hasColours = Terminal.usesColour(STDOUT_FILENO)
        var showsTimes = false
    }

    private struct Source: ~Copyable {
        let container: ServiceContainer
        let prefix: String
        var reader: LogReader
        /// What of a line has come so far, by stream.
        var partial: [LogStream: String] = [:]
        var hasEnded = false
    }

    private let style: Style
    private let selection: LogSelection
    private var sources: [SourceBox] = []
    private var width = 0

    /// A reader cannot be copied, and so cannot stand in an array.
    private final class SourceBox {
        var source: Source
        init(_ source: consuming Source) { self.source = source }
    }

    init(_ containers: [ServiceContainer], _ style: Style, _ selection: LogSelection) {
        self.style = style
        self.selection = selection
        for container in containers { add(container) }
    }

    /// Docker Compose's order of colours.
    private static let colours = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"]

    private func add(_ container: ServiceContainer) {
        let number = sources.count % ServiceLogs.colours.count
        width = max(width, container.shortName.count)
        let colour = style.hasColours ? "\u{1B}[\(ServiceLogs.colours[number])m" : ""
        sources.append(
            SourceBox(Source(container: container, prefix: colour, reader: LogReader(container.container)))
        )
    }

    /// Adds a container that there was not, or that has been started again: what it wrote before is not shown twice.
    private func join(_ container: ServiceContainer) {
        if let box = sources.first(where: { $0.source.container.container.id == container.container.id }) {
            box.source.hasEnded = false
        } else {
            add(container)
        }
    }

    /// Prints what there is and was not printed yet.
    ///
    /// - Returns: Whether there was something.
    @discardableResult
    func printNew(isFirst: Bool = false) -> Bool {
        var hasNew = false
        for box in sources where !box.source.hasEnded {
            // Showing one changes the source that is read.
            var entries: [LogEntry] = []
            selection.next(of: &box.source.reader, isFirst: isFirst) { entries.append($0) }
            for entry in entries { show(entry, box) }
            hasNew = hasNew || !entries.isEmpty
        }
        return hasNew
    }

    private func show(_ entry: LogEntry, _ box: SourceBox) {
        let text = (box.source.partial[entry.stream] ?? "") + entry.log
        guard text.hasSuffix("\n") else {
            box.source.partial[entry.stream] = text
            return
        }
        box.source.partial[entry.stream] = nil
        write(text, entry.stream, entry.time, box)
    }

    private func write(_ text: String, _ stream: LogStream, _ time: Timestamp?, _ box: SourceBox) {
        let time = style.showsTimes ? (time.map { "\($0) " } ?? "") : ""
        Terminal.write(
            prefix(box) + time + text,
            to: stream == .output ? STDOUT_FILENO : STDERR_FILENO
        )
    }

    private func prefix(_ box: SourceBox) -> String {
        guard style.hasPrefix else { return "" }
        let name = box.source.container.shortName
        let padded = name + String(repeating: " ", count: width - name.count) + "  | "
        return style.hasColours ? "\(box.source.prefix)\(padded)\u{1B}[0m" : padded
    }

    /// Follows the output until all containers have ended.
    ///
    /// - Parameters:
    ///   - store: Tells whether they run.
    ///   - tellsEnds: Whether the end of each is told.
    ///   - joining: Asked each second for the containers that there are then; it goes on without one that runs.
    ///   - isOver: Asked again and again; ends it.
    ///   - onEnd: Called with a container that has ended, and its exit code.
    func follow(
        _ store: ContainerStore,
        tellsEnds: Bool,
        joining: (() throws -> [ServiceContainer])? = nil,
        isOver: () -> Bool = { false },
        onEnd: (ServiceContainer, Int32) -> Void = { _, _ in }
    ) async throws {
        var isFirst = true
        var nextJoin = Pause.now
        while !isOver() {
            if let joining, Pause.now >= nextJoin {
                for container in try joining() where container.isRunning { join(container) }
                nextJoin = Pause.now + 1_000_000_000
            }
            // Looked at before the output, so that all of it has been read once it has ended.
            let states = sources.map { box in
                box.source.hasEnded ? nil : try? store.container(box.source.container.container.id).state
            }
            printNew(isFirst: isFirst)
            isFirst = false
            for (box, state) in zip(sources, states) where !box.source.hasEnded && !(state?.isRunning ?? false) {
                end(box)
                let code = state?.exitCode ?? 137
                if tellsEnds {
                    Terminal.write("\(box.source.container.shortName) exited with code \(code)\n", to: STDOUT_FILENO)
                }
                onEnd(box.source.container, code)
            }
            guard joining != nil || sources.contains(where: { !$0.source.hasEnded }) else { return }
            try await Pause.wait(seconds: 0.05)
        }
        printNew()
    }

    private func end(_ box: SourceBox) {
        for (stream, text) in box.source.partial { write(text + "\n", stream, nil, box) }
        box.source.partial = [:]
        box.source.hasEnded = true
    }

    /// Prints what has come of unfinished lines.
    func finish() {
        for box in sources where !box.source.hasEnded { end(box) }
    }
}
