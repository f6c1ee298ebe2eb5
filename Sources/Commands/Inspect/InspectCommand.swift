import ArgumentParser
import Glibc
import Images

/// `swiftbuild inspect`.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about images as JSON, under Docker's field names.",
        discussion: ImageLocation.help
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The images.", valueName: "image"))
    var names: [String]

    func run() async throws {
        let images = try global.images()
        var inspections: [Inspection] = []
        for name in names {
            if let index = try images.findIndex(name) {
                inspections.append(.index(IndexInspection(index)))
            } else {
                inspections.append(.image(try images.inspect(try await OpenedImage(name, in: images).image)))
            }
        }
        Terminal.write(try Inspection.json(inspections), to: STDOUT_FILENO)
    }
}
