import ArgumentParser
import CommandSupport
import Distribution
import Formatting
import Glibc
import Images
import OCI
import Reporting
import TerminalUI

/// `swiftbuild inspect`.
struct InspectCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about images as JSON, under Docker's field names.",
        discussion: """
            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild inspect app
              swiftbuild inspect -f '{{.Id}} {{json .Config.Env}}' app
              swiftbuild inspect -f '{{json .RootFS.Layers}}' docker://alpine
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The images.", valueName: "image"))
    var names: [String]

    @Option(
        name: [.customShort("f"), .customLong("format")],
        help: ArgumentHelp("`json`, or a template such as '{{.Id}}' for each.", valueName: "format")
    )
    var format: String?

    @Option(
        name: .customLong("type"),
        help: ArgumentHelp("What the names are names of: image, of which there is nothing else.", valueName: "kind")
    )
    var kind: String?

    func run() async throws -> ExitStatus {
        guard kind == nil || kind == "image" else {
            throw UserError(
                "--type: there is no `\(kind ?? "")` to inspect, only images",
                status: .usage
            )
        }
        let template = try format.flatMap { $0 == "json" ? nil : try FormatTemplate(parsing: $0) }
        let images = try global.store.openExisting()
        var inspections: [Inspection] = []
        for name in names {
            if let index = try images.findIndex(name) {
                inspections.append(.index(IndexInspection(index)))
            } else {
                inspections.append(.image(try images.inspect(try await OpenedImage(name, in: images).image)))
            }
        }
        if let template {
            let values = try inspections.map {
                try CanonicalJSON.decode(JSONValue.self, from: CanonicalJSON.encode($0))
            }
            for value in values { Terminal.print(try template.text(value.withDurations.safeToPrint)) }
        } else {
            try Terminal.print(json: inspections)
        }
        return .success
    }
}

extension JSONValue {
    /// The same with the times of a health check as durations, which Docker's templates print as `30s`.
    fileprivate var withDurations: JSONValue {
        guard case .object(var image) = self, case .object(var config)? = image["Config"],
            case .object(var check)? = config["Healthcheck"]
        else { return self }
        for (name, value) in check where name != "Retries" {
            if case .integer(let nanoseconds) = value { check[name] = .duration(nanoseconds) }
        }
        config["Healthcheck"] = .object(check)
        image["Config"] = .object(config)
        return .object(image)
    }
}
