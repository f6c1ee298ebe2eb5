internal import Foundation
internal import SystemPackage
internal import Testing

/// Several machines with empty stores that build the same at the same moment, and share a cache.
@Suite(
    "Of machines that build the same at once",
    .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"),
    .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
)
struct WorkClaimTests {
    private static func layers(_ f: BuildFixture, _ store: String, _ name: String) async throws -> String {
        try await f.start(["inspect", "--root", store, "-f", "{{json .RootFS.Layers}}", name]).wait().requireSuccess()
            .line
    }

    @Test("eight execute each RUN once in all, and have the same image", arguments: ["registry", "local"])
    func eight(_ kind: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = "\(registry.host)/base:1"
                try await f.importBase(base)
                try await f.succeed("push", base)
                try f.write("file", "file")
                let file = try f.dockerfile(
                    """
                    FROM \(base) AS tools
                    RUN cat /proc/sys/kernel/random/uuid >/tool
                    FROM \(base)
                    RUN cat /proc/sys/kernel/random/uuid >/first
                    RUN cat /proc/sys/kernel/random/uuid >/second && sleep 1
                    COPY file /
                    RUN cat /proc/sys/kernel/random/uuid >/third
                    COPY --from=tools /tool /tool
                    """
                )
                let directory = f.scratch.appending("shared")
                let (from, to) =
                    kind == "local"
                    ? ("type=local,src=\(directory)", "type=local,dest=\(directory)")
                    : ("\(registry.host)/cache", "\(registry.host)/cache")
                let stores = (0..<8).map { f.scratch.appending("store-\($0)").string }
                let built = try await withThrowingTaskGroup(of: CommandResult.self) { group in
                    for store in stores {
                        let flags = ["--cache-from", from, "--cache-to", to, "-t", "app", "-f", file]
                        group.addTask {
                            try await f.start(["build", "--root", store] + flags + ["."]).wait(limit: .seconds(400))
                                .requireSuccess()
                        }
                    }
                    return try await group.reduce(into: [CommandResult]()) { $0.append($1) }
                }
                let ran = built.map { $0.errors.components(separatedBy: "Running in").count - 1 }
                #expect(ran.reduce(0, +) == 4, "\(ran) \(built)")
                #expect(!built.contains { $0.errors.contains("cannot be used") }, "\(built)")
                var layers: Set<String> = []
                for store in stores { layers.insert(try await Self.layers(f, store, "app")) }
                #expect(layers.count == 1, "\(layers)")
            }
        }
    }

    @Test("one that is killed is waited for until its claim has ended, and no longer")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = "\(registry.host)/base:1"
                try await f.importBase(base)
                try await f.succeed("push", base)
                let cache = "\(registry.host)/cache"
                let file = try f.dockerfile(
                    "FROM \(base)\nRUN --mount=type=secret,id=time sleep $(cat /run/secrets/time) && touch /done"
                )
                try f.write("long", "1000")
                try f.write("short", "0")
                let (one, other) = (f.scratch.appending("one").string, f.scratch.appending("other").string)
                func command(_ store: String, _ time: String) -> [String] {
                    ["build", "--root", store, "--cache-from", cache, "--cache-to", cache, "-f", file]
                        + ["--secret", "id=time,src=\(f.context.appending(time))", "."]
                }
                let first = try f.start(command(one, "long"))
                try await waitUntil { registry.requests.contains { $0.hasPrefix("PUT /v2/cache/manifests/") } }
                try await first.waitForErrors(containing: "Running in")
                let second = try f.start(command(other, "short"))
                try await second.waitForErrors(containing: "waiting for the result of another build")
                first.signal(SIGKILL)
                let built = try await second.wait(limit: .seconds(300)).requireSuccess()
                #expect(built.errors.contains("Running in"), "\(built)")
                _ = await first.waitForStatus()
            }
        }
    }
}
