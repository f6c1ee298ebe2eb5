internal import Foundation
internal import Glibc
internal import SystemPackage

/// A docker daemon with a socket and a data directory of its own, without any network.
struct DockerDaemon: Sendable {
    let process: RunningCommand
    let scratch: FilePath
    /// Docker loads OCI layouts since version 25.
    var readsLayouts = false

    /// Runs a test with a daemon, which is gone afterwards; without it where none starts on this machine.
    static func with(_ f: BuildFixture, _ body: (DockerDaemon) async throws -> Void) async throws {
        guard let daemon = try await start(f) else {
            print("skipped: dockerd does not start on this machine")
            return
        }
        do {
            try await body(daemon)
            await daemon.stop()
        } catch {
            await daemon.stop()
            throw error
        }
    }

    private static func start(_ f: BuildFixture) async throws -> DockerDaemon? {
        let directory = f.scratch.appending("docker")
        let process = try RunningCommand(
            [
                "dockerd", "--host", "unix://\(directory)/socket", "--data-root", "\(directory)/data",
                "--exec-root", "\(directory)/exec", "--pidfile", "\(directory)/pid", "--iptables=false",
                "--ip6tables=false",
                "--bridge=none", "--storage-driver=vfs",
            ],
            environment: f.environment,
            directory: f.scratch,
            logs: f.scratch
        )
        var daemon = DockerDaemon(process: process, scratch: f.scratch)
        for _ in 0..<150 {
            if let version = try? await daemon.run("version", "--format", "{{.Server.Version}}").line {
                daemon.readsLayouts = (version.split(separator: ".").first.flatMap { Int($0) } ?? 0) >= 25
                return daemon
            }
            if kill(process.processID, 0) != 0 { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        await daemon.stop()
        return nil
    }

    func run(_ arguments: String...) async throws -> CommandResult { try await run(arguments) }

    func run(_ arguments: [String]) async throws -> CommandResult {
        let result = try await Machine.run(
            ["docker", "--host", "unix://\(scratch)/docker/socket"] + arguments,
            in: scratch
        )
        guard result.status == 0 else { throw TestFailure("\(result)") }
        return result
    }

    private func stop() async {
        process.signal(SIGTERM)
        _ = await process.waitForStatus()
        // Network namespaces of containers are kept for a minute, and for ever when it ends before.
        for path in (try? Machine.mounts(below: scratch.appending("docker"))) ?? [] { umount2(path, 2) }
    }
}
