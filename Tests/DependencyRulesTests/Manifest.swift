internal import Foundation

/// The targets as SwiftPM reads them from `Package.swift`.
struct Manifest: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        let path: String?
        let dependencies: [Dependency]
    }

    /// `{"byName": ["OCI", null]}` or `{"product": ["SystemPackage", "swift-system", null, null]}`.
    struct Dependency: Decodable {
        let name: String

        init(from decoder: any Decoder) throws {
            let kinds = try decoder.singleValueContainer().decode([String: [Part]].self)
            guard let name = kinds.values.first?.first?.text else {
                throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no name"))
            }
            self.name = name
        }

        /// Only strings matter; the rest may be of any kind.
        private struct Part: Decodable {
            let text: String?

            init(from decoder: any Decoder) throws {
                text = try? decoder.singleValueContainer().decode(String.self)
            }
        }
    }

    let targets: [Target]

    /// What each target of the product depends on.
    var graph: [String: Set<String>] {
        Dictionary(
            uniqueKeysWithValues: targets.filter { $0.type != "test" && $0.path == nil }.map {
                ($0.name, Set($0.dependencies.map(\.name)))
            }
        )
    }

    /// The directory that holds `Package.swift`.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Asks SwiftPM; in a scratch directory of its own, since the one in use is locked while tests run.
    static func load() throws -> Manifest {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
            "swiftbuild-manifest-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let output = scratch.appendingPathComponent("manifest.json")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", repository.path, "--scratch-path", scratch.path, "dump-package",
        ]
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        return try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: output))
    }
}
