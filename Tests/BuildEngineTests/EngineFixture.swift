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
import Testing

@testable import BuildEngine

/// A store, a context and images by name, all in a scratch directory that is removed afterwards.
final class EngineFixture: BaseImageProvider {
    static let canRun: Bool = {
        let works = geteuid() == 0 && FileStatus.ifPresent("/bin/busybox") != nil
        if !works { print("skipped: needs root and /bin/busybox") }
        return works
    }()

    let directory: FilePath
    let images = Mutex<[String: BaseImage]>([:])
    private let events = Mutex<[BuildEvent]>([])

    init() throws {
        directory = FilePath("/var/tmp/swiftbuild-engine-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try FileOperations.createDirectories(directory.appending("context"))
    }

    static func with(_ body: (EngineFixture) async throws -> Void) async throws {
        let fixture = try EngineFixture()
        defer { try? FileOperations.removeTree(fixture.directory) }
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
        try text.write(toFile: context.appending(name).string, atomically: false, encoding: .utf8)
        chmod(context.appending(name).string, mode)
    }

    func shell(_ command: String) throws {
        try #require(system("cd \(context) && { \(command); }") == 0, "\(command)")
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
            guard !entry.path.isWithin(PathInRoot("bin")) else { return }
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
        let writer = try layers.writer()
        let program = try FileOperations.read("/bin/busybox")
        let passwd = Array("root:x:0:0::/root:/bin/sh\n".utf8)
        func file(_ path: String, _ bytes: [UInt8], _ mode: UInt16) throws {
            var entry = LayerEntry(path: PathInRoot(path), kind: .regular, permissions: mode)
            entry.size = Int64(bytes.count)
            try writer.append(entry, content: .bytes(bytes))
        }
        try writer.append(.directory(PathInRoot("bin")))
        try file("bin/busybox", program, 0o755)
        for name in ["cat", "echo", "mkdir", "rm", "sh", "sleep"] {
            var link = LayerEntry(path: PathInRoot("bin/\(name)"), kind: .symbolicLink, permissions: 0o777)
            if link.path < PathInRoot("bin/busybox") { continue }
            link.linkTarget = Array("busybox".utf8)
            try writer.append(link)
        }
        try writer.append(.directory(PathInRoot("etc")))
        try file("etc/passwd", passwd, 0o644)
        let layer = try writer.finish()
        var configuration = ImageConfiguration(platform: .host)
        configuration.rootfs.diffIDs = [layer.diffID]
        let image = BaseImage(id: SHA256Hasher.digest(of: [1]), configuration: configuration) { [layer] }
        images.withLock { $0["base"] = image }
    }

    var leftovers: [String] {
        ((try? FileOperations.names(in: directory.appending("store/tmp"))) ?? []).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
