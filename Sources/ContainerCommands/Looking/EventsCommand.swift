import ArgumentParser
import CommandSupport
import Containers
import ContentStore
import FileSystem
import Formatting
import Glibc
import Images
import OCI
import Reporting
import TerminalUI
import Threads

/// `swiftbuild events`.
struct EventsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what happens to containers, images, networks, volumes and the build cache.",
        discussion: """
            There is no daemon: each command and each container's supervisor writes to a file of the store, of which the
            latest 4 to 8 MB are kept. Without --since only what happens from now on is shown.
            Fields for --format: .Type, .Action, .Actor.ID, .Actor.Attributes, .Scope, .Time, .TimeNano.

            EXAMPLES:
              swiftbuild events
              swiftbuild events --since 1h --until 0s --filter event=die
              swiftbuild events --filter container=web --format '{{.Action}}'
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("since"),
        help: ArgumentHelp("Also what happened since a time or in a duration.", valueName: "time")
    )
    var since: String?

    @Option(name: .customLong("until"), help: ArgumentHelp("End at a time.", valueName: "time"))
    var until: String?

    @Option(
        name: [.customShort("f"), .customLong("filter")],
        help: ArgumentHelp(
            "Only some: container=NAME, image=NAME, event=ACTION, type=KIND, volume=NAME, label=NAME[=VALUE]; may repeat.",
            valueName: "name=value"
        )
    )
    var filters: [String] = []

    @Option(
        name: .customLong("format"),
        help: ArgumentHelp("`json`, or a template such as '{{.Action}}' for each.", valueName: "format")
    )
    var format: String?

    func run() async throws -> ExitStatus {
        let template = try format.flatMap { $0 == "json" ? nil : try FormatTemplate(parsing: $0) }
        let filter = try NamedFilters(
            filters,
            known: ["container", "image", "event", "type", "volume", "label", "network", "scope"]
        )
        let first = try since.map { try TimeArgument.nanoseconds("--since", $0) } ?? WallClock.now
        let last = try until.map { try TimeArgument.nanoseconds("--until", $0) } ?? .max
        var reader = EventLog(try global.store.open().store).makeReader()
        while true {
            // Read once more after the end, for what came at the same time.
            let isOver = WallClock.now >= last
            try reader.next { event in
                guard event.time >= first, event.time <= last, event.matches(filter) else { return }
                if format == nil {
                    Terminal.print(EscapedText.escaped(event.line))
                } else if let template {
                    Terminal.print(try template.text(event.fields.safeToPrint))
                } else {
                    let line = Terminal.safe(json: try CanonicalJSON.encode(event.document), for: STDOUT_FILENO)
                    Terminal.print(String(decoding: line, as: UTF8.self))
                }
            }
            if isOver { return .success }
            try await Pause.wait(seconds: 0.1)
        }
    }
}

extension StoreEvent {
    fileprivate func matches(_ filter: NamedFilters) -> Bool {
        filter.accepts(labels: attributes) { name, value in
            switch name {
            case "container":
                kind == .container && (attributes["name"] == value || !value.isEmpty && subject.hasPrefix(value))
            case "image":
                [value, value + ":latest"].contains(attributes[kind == .image ? "name" : "image"])
                    || kind == .image && !value.isEmpty
                        && [value, "sha256:\(value)"].contains(where: subject.hasPrefix)
            case "event": action == value || action.hasPrefix(value + ":")
            case "type": kind.rawValue == value
            case "volume": kind == .volume && subject == value
            case "network": kind == .network && (subject == value || attributes["name"] == value)
            default: value == "local"
            }
        }
    }

    /// As Docker prints it.
    fileprivate var line: String {
        let details = attributes.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ", ")
        let digits = "\(time % 1_000_000_000)"
        let fraction = String(repeating: "0", count: 9 - digits.count) + digits
        let second = "\(Timestamp(secondsSinceEpoch: time / 1_000_000_000))".dropLast()
        return "\(second).\(fraction)Z \(kind.rawValue) \(action) \(subject) (\(details))"
    }

    private var actor: JSONValue {
        .object(["ID": .string(subject), "Attributes": .object(attributes.mapValues { .string($0) })])
    }

    /// Docker's JSON.
    fileprivate var document: JSONValue {
        var result: [String: JSONValue] = [
            "Type": .string(kind.rawValue), "Action": .string(action), "Actor": actor,
            "scope": "local", "time": .integer(time / 1_000_000_000), "timeNano": .integer(time),
        ]
        // Kept by Docker for older programs.
        if kind == .container {
            result["status"] = .string(action)
            result["id"] = .string(subject)
            result["from"] = .string(attributes["image"] ?? "")
        }
        return .object(result)
    }

    /// The names that Docker's templates have.
    fileprivate var fields: JSONValue {
        .object([
            "Type": .string(kind.rawValue), "Action": .string(action), "Actor": actor,
            "Scope": "local", "Time": .integer(time / 1_000_000_000), "TimeNano": .integer(time),
            "Status": .string(action), "ID": .string(subject), "From": .string(attributes["image"] ?? ""),
        ])
    }
}
