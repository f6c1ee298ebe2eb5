internal import FileSystem
public import Layers
public import OCI
internal import Reporting
internal import Tar

/// All in which two images differ.
public struct ImageComparison {
    private let images: [Digest]
    private let files: [PathDifference]
    private let settings: [SettingDifference]
    private let packages: [PackageDifference]

    public typealias Image = (id: Digest, configuration: ImageConfiguration, files: LayerStack)

    public init(_ before: Image, _ after: Image) throws {
        images = [before.id, after.id]
        files = PathDifference.all(before.files.view, after.files.view)
        settings = try SettingDifference.all(before.configuration, after.configuration)
        packages = PackageDifference.all(try InstalledPackages(before.files), try InstalledPackages(after.files))
    }

    /// Only files.
    public init(_ views: [(before: MergedView, after: MergedView)]) {
        (images, settings, packages) = ([], [], [])
        files = views.flatMap { PathDifference.all($0.before, $0.after) }
    }

    public var isEmpty: Bool { files.isEmpty && settings.isEmpty && packages.isEmpty }

    // MARK: - For people

    public var text: String {
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

    public var document: JSONValue {
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
