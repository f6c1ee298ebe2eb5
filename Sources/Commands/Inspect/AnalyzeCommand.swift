import ArgumentParser
import BuildRecords
import CommandSupport
import Distribution
import Formatting
import Glibc
import ImageAnalysis
import Images
import Layers
import OCI
import Reporting
import TerminalUI

/// `swiftbuild analyze`.
struct AnalyzeCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "analyze",
        abstract: "Show what each layer of an image adds, changes and removes, and what is wasted.",
        discussion: """
            Wasted bytes are those of files that a later layer removes or replaces: they are transferred and stored, \
            but not visible in the image. The efficiency is dive's: the smallest size of each path in any layer, added \
            up, divided by the sum of all sizes.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild analyze app
              swiftbuild analyze --max-wasted 10MB app    exits with 5 if more is wasted
              swiftbuild analyze --depth 4 docker://alpine
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Argument(help: ArgumentHelp("The image.", valueName: "image"))
    var name: String

    @Option(
        name: .customLong("depth"),
        help: ArgumentHelp("Levels of directories to show of each layer; 0 for none.", valueName: "levels")
    )
    var depth = 2

    @Option(
        name: .customLong("max-wasted"),
        help: ArgumentHelp("Fail if more is wasted, for example 10MB or 512KiB.", valueName: "size")
    )
    var maximumWaste: String?

    @Option(
        name: .customLong("min-efficiency"),
        help: ArgumentHelp("Fail if the efficiency, from 0 to 1, is lower.", valueName: "number")
    )
    var minimumEfficiency: Double?

    @Option(name: .customLong("format"), help: "How to print the result.")
    var format = OutputFormat.text

    func validate() throws {
        if let minimumEfficiency, !(0...1).contains(minimumEfficiency) {
            throw ValidationError("--min-efficiency: \(minimumEfficiency) is not from 0 to 1")
        }
        if depth < 0 { throw ValidationError("--depth: \(depth) is less than 0") }
        if let maximumWaste, ByteSize.decimal(maximumWaste) == nil {
            throw ValidationError("--max-wasted: invalid size `\(maximumWaste)`: expected, for example, 10MB or 512KiB")
        }
    }

    func run() async throws -> ExitStatus {
        let images = try global.store.openExisting()
        let opened = try await OpenedImage(name, in: images, platform: looking.platform, needs: .names)
        let (analysis, places) = (try opened.analysis(), opened.places)
        switch format {
        case .text:
            let width = Terminal.isTerminal(STDOUT_FILENO) ? Terminal.size(STDOUT_FILENO).columns : 100
            let title = "\(opened.name) \(opened.image.id.short)"
            let text = AnalysisText(analysis, title: title, depth: depth, width: width) { places[$0] }.text
            Terminal.write(text, to: STDOUT_FILENO)
        case .json: try Terminal.print(json: AnalysisDocument(analysis, of: opened.image.id) { places[$0] })
        }
        var failures: [String] = []
        if let limit = maximumWaste.flatMap(ByteSize.decimal), analysis.wastedBytes > limit {
            failures.append("\(analysis.wastedBytes) bytes are wasted, more than \(limit)")
        }
        if let minimumEfficiency, analysis.efficiency < minimumEfficiency {
            failures.append("the efficiency is \(analysis.efficiency), less than \(minimumEfficiency)")
        }
        guard failures.isEmpty else {
            throw UserError("`\(name)`: \(failures.joined(separator: "; "))", status: .limit)
        }
        return .success
    }
}

extension OpenedImage {
    func analysis() throws -> ImageAnalysis {
        ImageAnalysis(
            try names().view,
            diffIDs: content.layers.map(\.diffID),
            history: content.configuration.history
        )
    }
}
