import ArgumentParser
import CommandSupport
import ContainerNetworks
import Containers
import ContentStore
import Distribution
import Formatting
import Images
import Layers
import OCI
import Reporting
import TerminalUI

/// `swiftbuild inspect`.
struct InspectCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract:
            "Print everything about containers, images, networks and volumes as JSON, under Docker's field names.",
        discussion: """
            A name is looked for among the containers, then the images, the networks and the volumes.
            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild inspect web
              swiftbuild inspect -f '{{.State.Status}} {{.State.ExitCode}}' web
              swiftbuild inspect --type image -f '{{.Id}} {{json .Config.Env}}' app
              swiftbuild inspect -f '{{json .RootFS.Layers}}' docker://alpine
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Argument(help: "Names or IDs.")
    var names: [String]

    @OptionGroup var output: InspectionOutput

    @Flag(name: [.customShort("s"), .customLong("size")], help: "Tell how large the files of containers are.")
    var showsSize = false

    @Option(
        name: .customLong("type"),
        help: ArgumentHelp(
            "What the names are names of: container, image, network or volume.",
            valueName: "kind"
        )
    )
    var kind: InspectedKind?

    func run() async throws -> ExitStatus {
        let images = try global.store.openExisting()
        return try await output.print(names) { try await inspection($0, images) }
    }

    private func inspection(_ name: String, _ images: ImageStore) async throws -> JSONValue {
        let kinds = kind.map { [$0] } ?? InspectedKind.allCases
        // Without a store there is only what comes from elsewhere.
        for kind in kinds where kind == .image || global.store.exists {
            do {
                return try await inspection(name, kind, images)
            } catch  where kinds.count > 1 && InspectCommand.isMissing(error) {}
        }
        throw UserError("no \(kind?.rawValue ?? "container, image, network or volume") `\(name)` in the store")
    }

    /// Whether an error says that there is nothing of a name.
    private static func isMissing(_ error: any Error) -> Bool {
        switch error {
        case ContainerStoreError.notFound, ContainerStoreError.noVolume, ContainerStoreError.invalidSetting: true
        case ImageError.notFound, NetworkError.notFound: true
        default: false
        }
    }

    private func inspection(_ name: String, _ kind: InspectedKind, _ images: ImageStore) async throws -> JSONValue {
        let containers = ContainerStore(images.layers)
        switch kind {
        case .container:
            let container = try containers.find(name)
            return try ContainerInspection(container, containers).json(
                imageSize: showsSize ? container.record.imageSize(in: images) : nil
            )
        case .image:
            let platform = try looking.platform
            let found: Inspection
            if platform == nil, let index = try images.findIndex(name) {
                found = .index(IndexInspection(index))
            } else {
                let opened = try await OpenedImage(name, in: images, platform: platform, needs: .documents)
                found = .image(try images.inspect(opened.image))
            }
            return try CanonicalJSON.decode(JSONValue.self, from: CanonicalJSON.encode(found))
        case .network:
            return try ListedNetwork.inspection(of: name, in: containers.networks)
        case .volume:
            guard let volume = try VolumeStore(images.layers).find(name) else {
                throw ContainerStoreError.noVolume(name)
            }
            return volume.inspection
        }
    }
}

/// What there is to inspect, in the order in which a name is looked for: Docker's.
enum InspectedKind: String, CaseIterable, ExpressibleByArgument {
    case container, image, network, volume
}

/// How `inspect` commands print what they found.
struct InspectionOutput: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("format")],
        help: ArgumentHelp("`json`, or a template such as '{{.Id}}' for each.", valueName: "format")
    )
    var format: String?

    /// Prints what there is of the names, and then why there is nothing of the others, as Docker's client does.
    func print(_ names: [String], _ inspection: (String) async throws -> JSONValue) async throws -> ExitStatus {
        let template = try format.flatMap { $0 == "json" ? nil : try FormatTemplate(parsing: $0) }
        var (found, failures): ([JSONValue], [FailureReport]) = ([], [])
        for name in names {
            do {
                found.append(try await inspection(name))
            } catch let error as CancellationError {
                throw error
            } catch {
                failures.append(FailureReport(error))
            }
        }
        if let template {
            for value in found { Terminal.print(try template.text(value.withDurations.safeToPrint)) }
        } else if found.isEmpty {
            Terminal.print("[]")
        } else {
            try Terminal.print(json: found)
        }
        for failure in failures { failure.write() }
        return failures.first?.status ?? .success
    }
}

extension ContainerRecord {
    /// Bytes of the files of its image; of its layers, where the image was removed.
    func imageSize(in images: ImageStore) -> Int64 {
        imageID.flatMap { images.image(id: $0) }?.size ?? layers.reduce(0) { $0 + $1.blob.size }
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
