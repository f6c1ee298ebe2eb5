internal import ArgumentParser
internal import CommandSupport
internal import Containers
internal import Formatting
internal import Glibc
internal import Images
internal import OCI
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose images`.
struct ComposeImagesCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "images",
        abstract: "List the images that the containers of a project are made of.",
        discussion: """
            EXAMPLES:
              swiftbuild compose images
              swiftbuild compose images -q web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the image IDs.")
    var isQuiet = false

    @Option(name: .customLong("format"), help: "table or json.")
    var format = ImageListFormat.table

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        let rows = try project.containers(of: services).compactMap { container in
            container.container.record.imageID.map { Row(container, $0, project.images) }
        }
        if isQuiet {
            var seen: Set<Digest> = []
            for row in rows where seen.insert(row.id).inserted { Terminal.print(row.id.hex) }
            return .success
        }
        guard format == .table else {
            try Terminal.print(json: JSONValue.list(rows.map(\.document)))
            return .success
        }
        let now = Int64(time(nil))
        var table = TextTable(["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"])
        for row in rows {
            table.append([
                row.container, row.repository, row.tag, row.platform, row.id.short,
                row.size.map(HumanReadable.size) ?? "",
                HumanReadable.age(secondsSinceEpoch: row.created?.secondsSinceEpoch, now: now),
            ])
        }
        Terminal.print(table)
        return .success
    }

    /// A container with its image, which may have another name by now, or none.
    private struct Row {
        let container: String
        let id: Digest
        let repository: String
        let tag: String
        let platform: String
        let size: Int64?
        let created: Timestamp?

        init(_ container: ServiceContainer, _ id: Digest, _ images: ImageStore) {
            self.container = container.name
            self.id = id
            let image = images.image(id: id)
            let name = try? ImageReference(parsing: container.container.record.image)
            let isNamed = name.flatMap { images.find(reference: $0)?.id } == id
            repository = isNamed ? name?.familiarRepository ?? "<none>" : "<none>"
            tag = isNamed ? name?.tag ?? "<none>" : "<none>"
            platform = image.map { "\($0.platform)" } ?? ""
            (size, created) = (image?.size, image?.created)
        }

        /// With Docker Compose's members.
        var document: JSONValue {
            .members([
                "ID": .string("\(id)"), "ContainerName": .string(container), "Repository": .string(repository),
                "Tag": .string(tag), "Platform": .string(platform), "Size": size.map { .integer($0) },
                "Created": created.map { .string($0.description) },
            ])
        }
    }
}

enum ImageListFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}
