import ArgumentParser
import Glibc
import Images
import OCI

/// `swiftbuild images`.
struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images",
        abstract: "List the images in the store."
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

    func run() throws {
        let wanted = try name.map { try ImageReference(parsing: $0) }
        let images = try global.images()
        let rows = ImageRow.rows(try images.list(), try images.indexes()).filter { row in
            guard let wanted else { return true }
            let isTagged = name?.split(separator: "/").last?.contains(":") ?? false
            return row.repository == wanted.familiarRepository && (!isTagged || row.tag == wanted.tag)
        }
        guard isQuiet else {
            let table = ImageRow.table(
                rows,
                now: Int64(time(nil)),
                showingDigests: showsDigests,
                fullIDs: showsWholeIDs
            )
            return Terminal.print(table)
        }
        var seen: Set<Digest> = []
        for row in rows where seen.insert(row.id).inserted {
            Terminal.print(showsWholeIDs ? "\(row.id)" : row.id.short)
        }
    }
}
