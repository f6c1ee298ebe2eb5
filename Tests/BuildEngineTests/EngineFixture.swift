import BuildContext
import ContentStore
import DockerfileSyntax
import FileSystem
import Foundation
import Glibc
import Layers
import OCI
import Reporting
import Synchronization
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import BuildEngine

/// A store, a context and images by name, all in a scratch directory that is removed afterwards.
final class EngineFixture: BaseImageProvider {
    private let scratch: ScratchDirectory
    var directory: FilePath { scratch.path }
    let images = Mutex<[String: BaseImage]>([:])
    private let events = Mutex<[BuildEvent]>([])

    init() throws {
        scratch = try ScratchDirectory()
        try FileOperations.createDirectories(directory.appending("context"))
    }

    static func with(_ body: (EngineFixture) async throws -> Void) async throws {
        let fixture = try EngineFixture()
        defer { withExtendedLifetime(fixture) {} }
        try await body(fixture)
    }

    var context: FilePath { directory.appending("context") }
    /// Opened anew each time, as another process would.
    var layers: LayerStore { get throws { LayerStore(try Store(root: directory.appending("store"))) } }

    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage {
        guard let image = images.withLock({ $0[reference.familiar] ?? $0.values.first }) else {
            throw BaseImageError("there is no image `\(reference.familiar)`")
        }
        return image
    }

    func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws {
        try scratch.write("context/\(name)", text, permissions: mode)
    }

    func shell(_ command: String) throws {
        try #require(succeeds("cd \(context) && { \(command); }"), "\(command)")
    }

    struct Built {
        let image: Builder.BuiltImage
        /// One for each step: `cached`, `ran` or `base`.
        let outcomes: [String]
        let tree: [String]
        let output: String
    }

    func build(_ text: String, jobs: Int = 4, change: (inout BuildRequest) -> Void = { _ in }) async throws -> Built {
        let layers = try layers
        events.withLock { $0 = [] }
        var request = BuildRequest(
            dockerfile: try Dockerfile(parsing: SourceText(name: "Dockerfile", text: text)),
            context: try ContextDirectory(context),
            jobs: jobs
        )
        change(&request)
        let builder = Builder(layers: layers, images: self) { event in self.events.withLock { $0.append(event) } }
        let complete = Mutex<Builder.BuiltImage?>(nil)
        _ = try await builder.build(request) { image in
            complete.withLock { $0 = image }
            return SHA256Hasher.digest(of: try CanonicalJSON.encode(image.configuration))
        }
        let image = try #require(complete.withLock { $0 })
        var outcomes: [String] = []
        var output: [UInt8] = []
        for event in events.withLock({ $0 }) {
            if case .finished(_, let outcome, _, _) = event { outcomes.append(outcome.rawValue) }
            if case .output(_, _, let bytes) = event { output += bytes }
        }
        return Built(
            image: image,
            outcomes: outcomes,
            tree: try tree(image.layers),
            output: String(decoding: output, as: UTF8.self)
        )
    }

    /// Every path with its content read, not taken from the index; busybox left out.
    func tree(_ stack: [Layer]) throws -> [String] {
        var lines: [String] = []
        try LayerStack(stack, in: try layers).walk { entry, place in
            guard !BusyboxBase.paths.contains(where: entry.path.isWithin) else { return }
            var line = "\(entry.path) \(entry.kind) \(String(entry.permissions, radix: 8))"
            if !entry.linkTarget.isEmpty { line += " -> \(String(decoding: entry.linkTarget, as: UTF8.self))" }
            if let place {
                var bytes = [UInt8](repeating: 0, count: Int(entry.size))
                #expect(pread(place.descriptor, &bytes, bytes.count, off_t(place.offset)) == bytes.count)
                #expect(SHA256Hasher.digest(of: bytes) == entry.contentDigest, "\(entry.path)")
                line += " \(String(decoding: bytes.prefix(40), as: UTF8.self))"
            }
            lines.append(line)
        }
        return Array(lines.dropFirst())
    }

    /// Adds an image with busybox and a few users.
    func addBusybox() throws {
        let users: [(LayerEntry, String)] = [
            (.directory(PathInRoot("etc")), ""), (file("etc/passwd"), "root:x:0:0::/root:/bin/sh\n"),
        ]
        let layer = try BusyboxBase.layer(in: try layers, adding: users)
        var configuration = ImageConfiguration(platform: .host)
        configuration.rootfs.diffIDs = [layer.diffID]
        let image = BaseImage(
            id: SHA256Hasher.digest(of: [1]),
            configuration: configuration,
            layers: [layer],
            fetch: nil
        )
        images.withLock { $0["base"] = image }
    }

    var leftovers: [String] {
        ((try? FileOperations.names(in: directory.appending("store/tmp"))) ?? []).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
