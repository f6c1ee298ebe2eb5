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
        var inspections: [ImageInspection] = []
        for name in names { inspections.append(try images.inspect(try await OpenedImage(name, in: images).image)) }
        Terminal.write(try ImageInspection.json(inspections), to: STDOUT_FILENO)
    }
}
