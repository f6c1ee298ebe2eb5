internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Stores that are somewhere else than where they were made, or lack what can be made again.
@Suite("A store that was copied or moved", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct StoreCopyTests {
    private static let epoch = ["--build-arg", "SOURCE_DATE_EPOCH=1700000000"]
    /// Layers with everything that a careless copy loses: owners, modes, removed files, links, attributes.
    private static let below = """
        FROM base
        COPY f /d/f
        RUN chown 5:6 /d/f && chmod 4751 /d/f && mkdir -m 1777 /d/t && ln /d/f /d/g && ln -s f /d/s && mkfifo -m 620 /d/p
        RUN rm /d/s && rm -r /d/t && mkdir -m 700 /d/t && echo more >>/d/g && touch /etc/.new

        """
    private static let above =
        below + """
            RUN find / -xdev ! -name list -exec stat -c '%n %a %u %g %F %N' {} + | sort >/list; \
            find /d /etc -type f -exec sha256sum {} + | sort >/sums
            """

    @Test(
        "gives the same image, however it was copied, and whether its layers are mounted or not",
        arguments: ["cp -r", "cp -a", "mv", "without what is made anew", "with what is another layer's"],
        ["auto", "unpacked"]
    )
    func sameImage(_ how: String, _ layers: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("f", "content")
            let environment = ["SWIFTBUILD_LAYERS": layers]
            _ = try await f.build(Self.below, Self.epoch[0], Self.epoch[1], environment: environment)
            let copy = f.scratch.appending("copy")
            switch how {
            case "cp -r": _ = try await Machine.run(["cp", "-r", f.store.string, copy.string], in: f.scratch)
            case "cp -a": _ = try await Machine.run(["cp", "-a", f.store.string, copy.string], in: f.scratch)
            case "mv": _ = try await Machine.run(["mv", f.store.string, copy.string], in: f.scratch)
            case "with what is another layer's":
                _ = try await Machine.run(["cp", "-a", f.store.string, copy.string], in: f.scratch)
                for name in ["erofs-v1", "layers-v1"] {
                    let files = try FileManager.default.contentsOfDirectory(atPath: copy.appending(name).string)
                        .map { URL(fileURLWithPath: copy.appending(name).appending($0).string) }
                    let contents = try files.map { try Data(contentsOf: $0) }
                    for (file, content) in zip(files, contents.dropFirst() + contents.prefix(1)) {
                        try content.write(to: file)
                    }
                }
            default:
                _ = try await Machine.run(["cp", "-a", f.store.string, copy.string], in: f.scratch)
                for name in ["erofs-v1", "snapshots-v1", "layers-v1"] {
                    try FileManager.default.removeItem(atPath: copy.appending(name).string)
                }
            }
            func build(_ store: FilePath, _ flags: [String]) async throws -> String {
                let id = f.scratch.appending(UUID().uuidString)
                let file = try f.dockerfile(Self.above)
                let arguments = ["build", "-f", file, "-t", "app", "--iidfile", id.string] + Self.epoch + flags + ["."]
                let environment = environment.merging(["SWIFTBUILD_ROOT": store.string]) { $1 }
                _ = try await f.start(arguments, environment: environment).wait().requireSuccess()
                return String(decoding: try readFile(id), as: UTF8.self)
            }
            // Only the last step runs, on what is there of those before it.
            let found = try await build(copy, [])
            let anew = try await build(copy, ["--no-cache"])
            #expect(found == anew)
        }
    }
}
