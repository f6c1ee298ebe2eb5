internal import Foundation
internal import SystemPackage
internal import Testing

/// The smallest root filesystem of Debian, made once and kept in the user's cache directory.
actor DebianBase {
    static let shared = DebianBase()

    private var making: Task<FilePath?, Never>?

    /// `nil` where it cannot be made; why is printed.
    var path: FilePath? {
        get async {
            let task = making ?? Task { await DebianBase.make() }
            making = task
            return await task.value
        }
    }

    private static func make() async -> FilePath? {
        guard Machine.canRun else { return nil }
        var path: FilePath?
        do {
            try await BuildFixture.with(.none) { f in
                let result = try await RunningCommand(
                    [Machine.repository.pushing("scripts/debian-rootfs").string],
                    environment: ProcessInfo.processInfo.environment,
                    directory: "/",
                    logs: f.scratch
                ).wait(limit: .seconds(600))
                guard result.status == 0 else { throw TestFailure(result.errors) }
                path = FilePath(result.line)
            }
        } catch {
            print("no Debian base: \(error)")
        }
        return path
    }
}
