import ArgumentParser
import CommandSupport
import Formatting
import Glibc
import Images
import OCI
import Reporting
import TerminalUI

/// `swiftbuild images`.
struct ImagesCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "images",
        abstract: "List the images in the store.",
        discussion: """
            Fields for --format: .Repository, .Tag, .Digest, .ID, .CreatedSince, .CreatedAt, .Size.

            EXAMPLES:
              swiftbuild images
              swiftbuild images app
              swiftbuild images --format '{{.Repository}}:{{.Tag}} {{.Size}}'
              swiftbuild images -q | xargs swiftbuild rmi -f
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Only images of this repository, or with this name.")
    var name: String?

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the image IDs.")
    var isQuiet = false

    @Flag(name: .customLong("digests"), help: "Show the digests of the manifests.")
    var showsDigests = false

    @Flag(name: .customLong("no-trunc"), help: "Show whole IDs.")
    var showsWholeIDs = false

    @Option(
        name: [.customShort("f"), .customLong("filter")],
        help: ArgumentHelp(
            "Only some: dangling=true, reference=PATTERN, label=NAME, before=IMAGE, since=IMAGE, until=24h; may repeat.",
            valueName: "name=value"
        )
    )
    var filters: [String] = []

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let wanted = try name.map { try ImageReference(parsing: $0) }
        let images = try global.store.openExisting()
        let filter = try ImageFilter(filters, in: images)
        let withDigests = showsDigests || self.format?.contains(".Digest") ?? false || self.format == "json"
        let all = ImageRow.rows(try images.list(), try images.indexes(), showingDigests: withDigests && !isQuiet)
        let rows = all.filter { row in
            guard filter.accepts(row) else { return false }
            guard let wanted else { return true }
            if let digest = wanted.digest {
                return row.repository == wanted.familiarRepository && row.digest == digest.description
            }
            let isTagged = name?.split(separator: "/").last?.contains(":") ?? false
            return row.repository == wanted.familiarRepository && (!isTagged || row.tag == wanted.tag)
        }
        guard isQuiet else {
            let now = Int64(time(nil))
            try format.print(
                rows,
                ImageRow.fields(now: now, showingWholeIDs: showsWholeIDs),
                columns: showsDigests
                    ? ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"] : ImageRow.usualColumns
            )
            return .success
        }
        var seen: Set<Digest> = []
        for row in rows where seen.insert(row.id).inserted {
            Terminal.print(showsWholeIDs ? "\(row.id)" : row.id.short)
        }
        return .success
    }
}

extension ImageRow {
    /// Those of the table that `docker images` prints.
    static let usualColumns = ["Repository", "Tag", "ID", "CreatedSince", "Size"]

    /// Docker's.
    ///
    /// - Parameter now: Seconds since 1970.
    static func fields(now: Int64, showingWholeIDs: Bool = false) -> [RowFormat.Field<ImageRow>] {
        [
            .init("Repository", "REPOSITORY") { $0.repository },
            .init("Tag", "TAG") { $0.tag },
            .init("Digest", "DIGEST") { $0.digest },
            .init("ID", "IMAGE ID") { showingWholeIDs ? "\($0.id)" : $0.id.short },
            .init("CreatedSince", "CREATED") {
                HumanReadable.age(secondsSinceEpoch: $0.created?.secondsSinceEpoch, now: now)
            },
            .init("CreatedAt", "CREATED AT") { $0.created?.description ?? "N/A" },
            .init("Size", "SIZE") { HumanReadable.size($0.size) },
        ]
    }
}
