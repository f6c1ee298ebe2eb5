internal import Foundation
internal import SystemPackage
internal import Testing

/// Builds in stores that share results.
enum SharedCacheTesting {
    /// Two stages, of which the image needs one small file of the first.
    static func dockerfile(_ base: String, _ last: String = "again") -> String {
        """
        FROM \(base) AS build
        COPY big /big
        RUN cat /big /big >/out && echo made >/small && date +%N >/once
        FROM \(base)
        WORKDIR /app
        COPY text .
        RUN echo \(last) >/ran && date +%N >/time
        COPY --from=build /small /once /found/
        CMD ["cat", "/found/small", "/ran", "/app/text"]
        """
    }

    static let shown = "made\nagain\ncontent\n"

    /// A context, a base in the registry, and a first build that keeps what it made.
    static func prepare(_ f: BuildFixture, _ registry: RegistryServer, to cache: String) async throws -> String {
        try f.write("big", bytes: (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
        try f.write("text", "content\n")
        let base = "\(registry.host)/base:1"
        try await f.importBase(base)
        try await f.succeed("push", base)
        let first = try await build(f, "first", base, "--cache-to", cache)
        #expect(!first.errors.contains("the cache `") && !first.summary.contains(" 0 entries"), "\(first)")
        return first.id
    }

    struct Result {
        let id: String
        let errors: String
        var ran: Int { errors.components(separatedBy: "Running in").count - 1 }
        var summary: String {
            errors.split(separator: "\n").last { $0.contains("shared cache:") }.map(String.init) ?? ""
        }
    }

    static func build(
        _ f: BuildFixture,
        _ store: String,
        _ base: String,
        last: String = "again",
        name: String = "app",
        _ flags: String...
    ) async throws -> Result {
        let file = try f.dockerfile(dockerfile(base, last))
        let id = f.scratch.appending("id-\(UUID().uuidString)").string
        let result = try await f.start(
            ["build", "--root", f.scratch.appending(store).string, "-f", file, "--iidfile", id, "-t", name] + flags
                + ["."]
        ).wait().requireSuccess()
        return Result(id: String(decoding: try readFile(FilePath(id)), as: UTF8.self), errors: result.errors)
    }

    static func run(_ f: BuildFixture, _ store: String) async throws -> String {
        try await f.start(["run", "--root", f.scratch.appending(store).string, "app"]).wait().requireSuccess()
            .outputText
    }
}
