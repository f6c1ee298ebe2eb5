import ArgumentParser
import BuildContext
import BuildService
import CommandSupport
import FileSystem
import Formatting
import Glibc
import OCI
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild context`.
struct ContextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Show what a build would see of its context.",
        discussion: """
            EXAMPLES:
              swiftbuild context ls .
              swiftbuild context ls --why node_modules/left-pad/index.js
            """,
        subcommands: [ContextListCommand.self]
    )
}

/// `swiftbuild context ls`.
struct ContextListCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the files that COPY and ADD could take, or show why one is missing.",
        discussion: """
            EXAMPLES:
              swiftbuild context ls .
              swiftbuild context ls --why node_modules/left-pad/index.js
            """
    )

    @Argument(help: "The directory.")
    var context = "."

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp("The Dockerfile; its own ignore file takes precedence.", valueName: "path")
    )
    var file: String?

    @Option(
        name: .customLong("why"),
        help: ArgumentHelp("Show which line of which ignore file includes or excludes this path.", valueName: "path")
    )
    var path: String?

    @Option(name: .customLong("format"), help: "How to print it.")
    var format = OutputFormat.text

    func run() throws -> ExitStatus {
        let directory = try BuildFiles.openWithIgnoreFile(
            context,
            dockerfile: FilePath(file ?? context + "/Dockerfile")
        )
        do {
            if let path {
                try print(ContextDecision(path, in: directory))
            } else {
                try list(directory)
            }
        } catch let error as BuildContextError {
            throw UserError("\(error)")
        }
        return .success
    }

    /// One entry of the context.
    private struct Entry: Encodable {
        let path: String
        let type: String
        /// Bytes of a file.
        let size: Int64?
        /// Where a symbolic link leads.
        let target: String?
    }

    private func list(_ directory: ContextDirectory) throws {
        var (files, bytes) = (0, Int64(0))
        var entries: [Entry] = []
        for root in try directory.select(source: [], wildcards: .none) {
            let listing = try directory.list(root)
            listing.forEach { path, reference in
                let entry = Self.entry(String(decoding: path, as: UTF8.self), listing[reference])
                if let size = entry.size {
                    files += 1
                    bytes += size
                }
                entries.append(entry)
            }
        }
        switch format {
        case .json:
            try Terminal.print(json: entries)
        case .text:
            let sizes = entries.map { $0.size.map(String.init) ?? "-" }
            let width = sizes.map(\.utf8.count).max() ?? 0
            var text = ""
            for (entry, size) in zip(entries, sizes) {
                text +=
                    String(repeating: " ", count: width - size.utf8.count)
                    + "\(size)  \(EscapedText.escaped(entry.path))"
                text += entry.type == "directory" ? "/" : ""
                text += (entry.target.map { " -> \(EscapedText.escaped($0))" } ?? "") + "\n"
            }
            Terminal.write(text, to: STDOUT_FILENO)
            Terminal.write("\(files) files, \(HumanReadable.size(bytes))\n", to: STDERR_FILENO)
        }
    }

    private static func entry(_ path: String, _ entry: ContextEntry) -> Entry {
        let type: String
        switch entry.status.kind {
        case .regular: type = "file"
        case .directory: type = "directory"
        case .symbolicLink: type = "link"
        default: type = "special"
        }
        return Entry(
            path: path,
            type: type,
            size: type == "file" ? entry.status.size : nil,
            target: type == "link" ? String(decoding: entry.linkTarget, as: UTF8.self) : nil
        )
    }

    private func print(_ decision: ContextDecision) throws {
        switch format {
        case .json: try Terminal.print(json: decision)
        case .text: Terminal.print(EscapedText.escaped(decision.sentence))
        }
    }
}
