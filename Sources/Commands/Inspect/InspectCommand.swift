import ArgumentParser
import Glibc
import Images
import OCI

/// `swiftbuild inspect`.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about images as JSON, under Docker's field names.",
        discussion: """
            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild inspect app
              swiftbuild inspect -f '{{.Id}} {{json .Config.Env}}' app
              swiftbuild inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' docker://alpine
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

    func run() async throws {
        let template =
            try format == nil || format == "json"
            ? nil
            : CommandFailure.inFormat { () throws(FormatTemplate.Failure) in
                try FormatTemplate(parsing: format ?? "")
            }
        let images = try global.images()
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
            for value in values { Terminal.print(try template.text(value.safeToPrint)) }
            return
        }
        Terminal.write(try Inspection.json(inspections), to: STDOUT_FILENO)
    }
}
