import ArgumentParser
import CommandSupport
import Distribution
import Glibc
import ImageAnalysis
import Images
import Layers
import OCI
import Reporting
import Tar
import TerminalUI

/// `swiftbuild ls`.
struct ListCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List files of an image without unpacking it.",
        discussion: """
            Links are followed inside the image. `swiftbuild images` lists the images.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild ls -l app:/etc
              swiftbuild ls -R docker://alpine:/etc/apk
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Argument(help: ArgumentHelp("The image and the path in it (default: the root).", valueName: "image[:/path]"))
    var places: [String]

    @Flag(name: .customShort("l"), help: "Show mode, owner, group, size and time too.")
    var isLong = false

    @Flag(name: [.customShort("R"), .customLong("recursive")], help: "List directories recursively.")
    var isRecursive = false

    @Flag(name: [.customShort("d"), .customLong("directory")], help: "Show a directory itself, not what is in it.")
    var showsItself = false

    @Option(name: .customLong("format"), help: "How to print the files.")
    var format = OutputFormat.text

    func run() async throws -> ExitStatus {
        let images = try global.store.openExisting()
        var entries: [LayerEntry] = []
        for (position, text) in places.enumerated() {
            let place = ImagePath(parsing: text)
            let opened = try await OpenedImage(place.image, in: images, platform: looking.platform, needs: .names)
            let view = try opened.names().view
            let wanted = PathInRoot(place.path ?? "/")
            // As with ls(1): a link itself is shown with -l or -d, unless a slash follows.
            let follows = !(isLong || showsItself) || place.path?.hasSuffix("/") ?? true
            let (path, node) = try view.resolve(wanted, followingLast: follows)
            guard let node else { throw AnalysisError.notFound(wanted) }
            if format == .json {
                collect(path, node, view, into: &entries)
            } else if node.entry.kind != .directory || showsItself {
                Terminal.print(line(view.withAttributes(node), name: EscapedText.escaped(place.path ?? "/")))
            } else {
                if position > 0 { Terminal.print("") }
                if places.count > 1 { Terminal.print(EscapedText.escaped(text) + ":") }
                list(path, view, isFirst: true)
            }
        }
        if format == .json { try Terminal.print(json: entries.map { JSONValue.object($0.members) }) }
        return .success
    }

    private func collect(_ path: PathInRoot, _ node: MergedView.Node, _ view: MergedView, into list: inout [LayerEntry])
    {
        guard node.entry.kind == .directory, !showsItself else { return list.append(view.withAttributes(node)) }
        view.walk(path) { node in
            if node.entry.path == path { return true }
            list.append(view.withAttributes(node))
            return isRecursive
        }
    }

    /// What is in a directory, and with -R below it, each directory under its heading.
    private func list(_ directory: PathInRoot, _ view: MergedView, isFirst: Bool) {
        var (text, directories): (String, [PathInRoot]) = ("", [])
        view.walk(directory) { node in
            if node.entry.path == directory { return true }
            text += line(view.withAttributes(node), name: EscapedText.escaped(node.entry.path.name)) + "\n"
            if node.entry.kind == .directory { directories.append(node.entry.path) }
            return false
        }
        if isRecursive { text = "\(isFirst ? "" : "\n")\(directory.escaped):\n" + text }
        Terminal.write(text, to: STDOUT_FILENO)
        if isRecursive { for child in directories { list(child, view, isFirst: false) } }
    }

    private func line(_ entry: LayerEntry, name: String) -> String {
        guard isLong else { return name }
        let size = entry.kind == .characterDevice || entry.kind == .blockDevice ? entry.device : "\(entry.size)"
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let link = entry.kind == .symbolicLink ? " -> " + EscapedText.escaped(entry.linkTarget) : ""
        return "\(entry.modeText) \(padded("\(entry.userID)", 5)) \(padded("\(entry.groupID)", 5)) \(padded(size, 10)) "
            + "\(Timestamp(secondsSinceEpoch: entry.modified)) \(name)\(link)"
    }
}

extension LayerEntry {
    /// The ten letters of `ls -l`.
    fileprivate var modeText: String {
        let type =
            switch kind {
            case .directory: "d"
            case .symbolicLink: "l"
            case .characterDevice: "c"
            case .blockDevice: "b"
            case .fifo: "p"
            case .regular, .hardLink, .whiteout: "-"
            }
        var letters = (0..<9).map { bit in permissions & (0o400 >> bit) == 0 ? "-" : ["r", "w", "x"][bit % 3] }
        for (bit, place, letter) in [(UInt16(0o4000), 2, "s"), (0o2000, 5, "s"), (0o1000, 8, "t")]
        where permissions & bit != 0 {
            letters[place] = letters[place] == "-" ? letter.uppercased() : letter
        }
        return type + letters.joined()
    }
}
