internal import Foundation
internal import SystemPackage

/// Podman with a store of its own below a test's directory.
struct Podman: Sendable {
    private let scratch: FilePath
    /// What it takes for this must not be long.
    private let runDirectory = "/tmp/podman-\(UUID().uuidString.prefix(8))"
    /// The one of its runtimes that works here: crun does not, where control groups have both versions.
    private var runtime: [String] = []

    /// Runs a test with it; without it where it runs nothing on this machine.
    ///
    /// - Parameter archive: Of an image, as `docker save` writes it.
    /// - Parameter body: Gets the name under which podman has the image.
    static func with(_ f: BuildFixture, archive: String, _ body: (Podman, String) async throws -> Void) async throws {
        guard Machine.has("podman") else { return print("skipped: needs podman") }
        var podman = Podman(scratch: f.scratch)
        defer { try? FileManager.default.removeItem(atPath: podman.runDirectory) }
        // Its usual limits are higher than root may set everywhere.
        let limits = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n"
        try Data(limits.utf8).write(to: URL(fileURLWithPath: podman.configuration))
        let name = try await podman.run(["load", "--quiet", "--input", archive]).line
            .replacing("Loaded image: ", with: "")
        for runtime in [[], ["--runtime", "runc"]] {
            podman.runtime = runtime
            let probe = ["run", "--rm", "--network", "none", "--entrypoint", "true", name]
            guard (try? await podman.run(probe)) != nil else { continue }
            return try await body(podman, name)
        }
        print("skipped: podman runs nothing on this machine")
    }

    private var configuration: String { scratch.appending("containers.conf").string }

    /// - Throws: `TestFailure` for any exit code but 0.
    @discardableResult
    func run(_ arguments: [String]) async throws -> CommandResult {
        let store = [
            "--root", "\(scratch)/podman", "--runroot", runDirectory, "--storage-driver", "vfs",
            "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--log-level", "error",
        ]
        let result = try await Machine.run(
            ["podman"] + store + runtime + arguments,
            environment: ["CONTAINERS_CONF": configuration, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            in: scratch
        )
        guard result.status == 0 else { throw TestFailure("\(result)") }
        return result
    }
}
