import ArgumentParser
import BuildRecords
import BuildService
import Distribution
import FileSystem
import Glibc
import ImageAnalysis
import Images
import Layers
import OCI
import Reporting
import TerminalUI

/// `swiftbuild diff`.
struct DiffCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two images: files, configuration, and packages of dpkg and apk.",
        discussion: """
            A file is added (A), removed (D) or changed (C) in content, mode, owner, link target, device number or
            extended attributes; times do not count. Ends with 0 when nothing differs, 1 when something does, and 2 or
            more on trouble.

            With --step it is shown what a step of a build changed: of the last one, or of the one that is named by its ID or
            by the image that it made.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild diff app:1 app:2
              swiftbuild diff --step 3 last
              swiftbuild diff --format json app docker://registry.example.com/app
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The image that is the older one.", valueName: "image"))
    var before: String?

    @Argument(help: ArgumentHelp("The image that is compared with it.", valueName: "image"))
    var after: String?

    @Option(
        name: .customLong("step"),
        help: ArgumentHelp("Show what this step of a build changed.", valueName: "number")
    )
    var step: Int?

    func validate() throws {
        guard step == nil ? after == nil : after != nil else { return }
        throw ValidationError(step == nil ? "expected two images" : "--step takes one build only")
    }

    @Option(name: .customLong("format"), help: "How the differences are printed.")
    var format = OutputFormat.text

    func run() async throws -> ExitStatus {
        let comparison: ImageComparison
        do {
            let images = try global.store.openExisting()
            if let step {
                let record = try BuildRecordStore(images.store).found(before ?? "last")
                comparison = ImageComparison(
                    try record.places(ofStep: step).map { try record.files(around: $0, in: images) }
                )
            } else {
                comparison = try ImageComparison(
                    try await OpenedImage(before ?? "", in: images),
                    try await OpenedImage(after ?? "", in: images)
                )
            }
        } catch {
            let failure = FailureReport(error)
            failure.write()
            // 1 says that there are differences.
            return failure.status == .failure ? .usage : failure.status
        }
        switch format {
        case .text: Terminal.write(comparison.text, to: STDOUT_FILENO)
        case .json: try Terminal.print(json: comparison.document)
        }
        return comparison.isEmpty ? .success : .failure
    }
}

/// All in which two images differ.
private struct ImageComparison {
    private let images: [Digest]
    private let files: [PathDifference]
    private let settings: [SettingDifference]
    private let packages: [PackageDifference]

    init(_ before: OpenedImage, _ after: OpenedImage) throws {
        images = [before.image.id, after.image.id]
        let (left, right) = (try before.files(), try after.files())
        files = PathDifference.all(left.view, right.view)
        settings = try SettingDifference.all(before.content.configuration, after.content.configuration)
        packages = PackageDifference.all(try InstalledPackages(left), try InstalledPackages(right))
    }

    /// Only files.
    init(_ views: [(before: MergedView, after: MergedView)]) {
        (images, settings, packages) = ([], [], [])
        files = views.flatMap { PathDifference.all($0.before, $0.after) }
    }

    var isEmpty: Bool { files.isEmpty && settings.isEmpty && packages.isEmpty }

    // MARK: - For people

    var text: String {
        var text = section("configuration", settings.map(ImageComparison.line))
        text += section("packages", packages.map(ImageComparison.line))
        return text + section("files", files.map(ImageComparison.line))
    }

    private func section(_ title: String, _ lines: [String]) -> String {
        lines.isEmpty ? "" : "\(title):\n" + lines.map { "  \($0)\n" }.joined()
    }

    private static func line(_ setting: SettingDifference) -> String {
        func shown(_ value: JSONValue) -> String {
            let bytes = (try? CanonicalJSON.encode(value)) ?? []
            return String(decoding: bytes, as: UTF8.self)
        }
        return line(setting.name, setting.before.map(shown), setting.after.map(shown))
    }

    private static func line(_ package: PackageDifference) -> String {
        let name = package.package
        return line(
            name.name + (name.architecture.isEmpty ? "" : ":\(name.architecture)"),
            package.before,
            package.after
        )
    }

    private static func line(_ name: String, _ before: String?, _ after: String?) -> String {
        let values = [before, after].compactMap { $0 }.joined(separator: " -> ")
        return EscapedText.escaped("\(sign(before, after)) \(name) \(values)")
    }

    private static func sign<Value>(_ before: Value?, _ after: Value?) -> String {
        before == nil ? "A" : after == nil ? "D" : "C"
    }

    private static func line(_ file: PathDifference) -> String {
        var line = "\(sign(file.before, file.after)) \(file.path.escaped)"
        if (file.after ?? file.before)?.kind == .directory { line += "/" }
        guard let before = file.before, let after = file.after, !file.attributes.isEmpty else { return line }
        let changes = file.attributes.map { attribute -> String in
            switch attribute {
            case .type: return "\(before.typeName) -> \(after.typeName)"
            case .content: return "content \(before.size) -> \(after.size) bytes"
            case .mode: return "mode \(before.octalMode) -> \(after.octalMode)"
            case .owner: return "owner \(before.userID):\(before.groupID) -> \(after.userID):\(after.groupID)"
            case .link:
                return "link \(EscapedText.escaped(before.linkTarget)) -> \(EscapedText.escaped(after.linkTarget))"
            case .device: return "device \(before.device) -> \(after.device)"
            case .xattrs:
                let names = Set(before.extendedAttributes).symmetricDifference(after.extendedAttributes).map(\.name)
                return "xattrs " + Set(names).sorted().map { EscapedText.escaped($0) }.joined(separator: " ")
            }
        }
        return line + " (" + changes.joined(separator: ", ") + ")"
    }

    // MARK: - For programs

    var document: JSONValue {
        .object([
            "images": .strings(images.map { "\($0)" }),
            "configuration": .list(
                settings.map {
                    .object(["name": .string($0.name), "before": $0.before ?? .null, "after": $0.after ?? .null])
                }
            ),
            "packages": .list(
                packages.map {
                    .object([
                        "system": .string($0.package.system), "name": .string($0.package.name),
                        "architecture": .string($0.package.architecture),
                        "before": $0.before.map { .string($0) } ?? .null,
                        "after": $0.after.map { .string($0) } ?? .null,
                    ])
                }
            ),
            "files": .list(
                files.map {
                    .object(
                        $0.path.members.merging([
                            "attributes": .strings($0.attributes.map(\.rawValue)),
                            "before": $0.before.map { .object($0.members) } ?? .null,
                            "after": $0.after.map { .object($0.members) } ?? .null,
                        ]) { $1 }
                    )
                }
            ),
        ])
    }
}
