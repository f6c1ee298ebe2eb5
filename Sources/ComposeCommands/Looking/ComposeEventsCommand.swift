internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Containers
internal import ContentStore
internal import FileSystem
internal import Images
internal import OCI
internal import Reporting
internal import TerminalUI
internal import Threads

/// `swiftbuild compose events`.
struct ComposeEventsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Print what happens to the containers of a project, as it happens.",
        discussion: """
            EXAMPLES:
              swiftbuild compose events --json
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: .customLong("json"), help: "Print each event as a JSON object.")
    var printsJSON = false

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        _ = try project.containers(of: services)
        let began = WallClock.now
        var reader = EventLog(project.images.store).makeReader()
        while true {
            try reader.next { event in
                let labels = event.attributes
                guard event.kind == .container, labels[ProjectLabel.project] == project.name.text,
                    let service = labels[ProjectLabel.service], services.isEmpty || services.contains(service),
                    event.time >= began
                else { return }
                try show(event, Timestamp(nanosecondsSinceEpoch: event.time), service)
            }
            try await Pause.wait(seconds: 0.1)
        }
    }

    /// In the form of Docker Compose.
    private func show(_ event: StoreEvent, _ time: Timestamp, _ service: String) throws {
        let own = event.attributes.filter { !$0.key.hasPrefix("com.docker.compose.") }
        guard printsJSON else {
            let details = own.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            let line = "\(time) container \(event.action) \(event.subject) (\(details))"
            return Terminal.print(EscapedText.escaped(line))
        }
        let document: JSONValue = .object([
            "time": .string("\(time)"), "type": "container", "action": .string(event.action),
            "id": .string(event.subject), "service": .string(service),
            "attributes": .object(own.mapValues { .string($0) }),
        ])
        Terminal.print(EscapedText.escaped(String(decoding: try CanonicalJSON.encode(document), as: UTF8.self)))
    }
}
