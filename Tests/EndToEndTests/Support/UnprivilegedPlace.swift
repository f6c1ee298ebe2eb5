internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Where the binary has less than root of the machine has, and how it is started there.
struct UnprivilegedPlace: Sendable, CustomTestStringConvertible {
    /// As `--isolation` calls what processes have there.
    let name: String
    /// Who owns what builds there work on.
    let owner: uid_t
    /// Programs that make the place, of which the last one executes the rest of its arguments.
    let wrapper: @Sendable (FilePath) throws -> [String]
    /// Cases of the language that cannot be the same, and why.
    var exceptions: [String: String] = [:]

    var testDescription: String { name }

    private static let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

    /// An ordinary user with a range in `/etc/subuid` and `/etc/subgid`, which other processes do not see.
    static let subordinateUsers = UnprivilegedPlace(
        name: "userns",
        owner: 65534,
        wrapper: { scratch in
            let ranges = scratch.appending("ranges")
            try Data("nobody:200000:65536\n".utf8).write(to: URL(fileURLWithPath: ranges.string))
            let script = #"mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@""#
            return ["unshare", "--mount", "sh", "-c", script, ranges.string] + nobody
        },
        exceptions: [
            "run/device-made-by-a-command": "no device files can be made",
            "metadata/user-with-the-largest-number": "a range has 65,536 users",
        ]
    )

    /// An ordinary user who may make a user namespace and has no range, or no program that may map it.
    static let singleUser = UnprivilegedPlace(
        name: "userns-single",
        owner: 65534,
        wrapper: { _ in nobody + ["--no-new-privs"] },
        exceptions: [
            "run/device-made-by-a-command": "a device that is only recorded cannot be used",
            "mount/secret-mode-and-owner": "the kernel lets an emulated user read what is root's",
            "run/primary-group-is-supplementary": "`/proc/self/status` is the kernel's",
            "run/security-insecure-has-no-filter": "users are emulated by a filter",
        ]
    )

    /// Root with the capabilities that Docker gives a container, which may neither mount nor make namespaces.
    static let defaultContainer = UnprivilegedPlace(
        name: "chroot",
        owner: 0,
        wrapper: { _ in
            let kept = [
                "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service",
                "net_raw", "sys_chroot", "mknod", "audit_write", "setfcap",
            ]
            return [
                "setpriv", "--bounding-set", "-all," + kept.map { "+\($0)" }.joined(separator: ","), "env",
                "SWIFTBUILD_ISOLATION=chroot",
            ]
        },
        exceptions: [
            "expand/mount-options": "it looks for a mount",
            "mount/bind-is-read-only": "nothing is read-only without mounts",
            "mount/bind-read-only-and-writable": "nothing is read-only without mounts",
            "mount/cache-read-only": "nothing is read-only without mounts",
            "mount/inside-a-read-only-one": "nothing is read-only without mounts",
            "mount/tmpfs-size": "a size is of a mount",
            "run/shm-size": "a size is of a mount",
            "run/heredoc-with-flags": "it looks for the interface of a namespace",
            "run/network-of-the-build": "it looks for the interface of a namespace",
            "run/network-none": "it looks for the interface of a namespace",
            "mount/secret-default-target": "nothing is read-only without mounts",
            "run/is-process-1": "numbers are those of the container",
            "run/security-allowed": "nothing can be mounted",
            "run/security-insecure-has-no-filter": "the container's filter holds",
        ]
    )

    /// A user who may do nothing but trace processes: the namespace that gives this one lets nobody make another.
    static let traced = UnprivilegedPlace(
        name: "ptrace",
        owner: 1000,
        wrapper: { _ in
            let user = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]
            let nothing = "--ambient-caps -all --inh-caps -all --bounding-set -all --no-new-privs"
            let script = #"echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv \#(nothing) "$@""#
            let namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps"]
            return user + namespace + ["sh", "-c", script, "sh"]
        },
        exceptions: [
            "run/device-made-by-a-command": "a device that is only recorded cannot be used",
            "mount/secret-mode-and-owner": "the kernel lets an emulated user read what is root's",
            "run/no-capabilities-beyond-docker": "there are no capabilities",
            "run/primary-group-is-supplementary": "`/proc/self/status` is the kernel's",
            "run/security-insecure-has-no-filter": "users are emulated by a filter",
        ].merging(defaultContainer.exceptions) { $1 }
    )

    /// Runs the binary there, on a store of the place's own.
    func run(
        _ f: BuildFixture,
        _ arguments: [String],
        in directory: FilePath? = nil,
        environment: [String: String] = [:],
        limit: Duration = .seconds(120)
    ) async throws -> CommandResult {
        try await RunningCommand(
            wrapper(f.scratch) + [Machine.binary.string] + arguments,
            environment: f.environment.merging(environment) { $1 },
            directory: directory ?? f.context,
            logs: f.scratch
        ).wait(limit: limit)
    }

    /// Lets the place's user have everything of a fixture.
    func own(_ f: BuildFixture) throws {
        let names = try FileManager.default.subpathsOfDirectory(atPath: f.scratch.string)
        for path in [f.scratch.string] + names.map({ f.scratch.appending($0).string }) {
            var status = stat()
            guard lstat(path, &status) == 0, lchown(path, owner, owner) == 0 else { continue }
            // A change of owner takes set-user-ID bits away.
            if status.st_mode & S_IFMT != S_IFLNK { chmod(path, status.st_mode & 0o7777) }
        }
    }

    /// Imports the base there, from a file that everybody can read.
    func importBase(_ f: BuildFixture) async throws {
        let archive = f.scratch.appending("base.tar").string
        try Data(try await BaseImage.shared.archive()).write(to: URL(fileURLWithPath: archive))
        try own(f)
        let imported = try await run(f, ["import", archive, "base"])
        guard imported.status == 0 else { throw TestFailure("\(imported)") }
    }

    /// Whether builds there have the isolation that it is for.
    func isAvailable() async throws -> Bool {
        guard Machine.canRun, Machine.has("setpriv"), Machine.has("unshare") else { return false }
        var isThere = false
        try await BuildFixture.with(.none) { f in
            try await importBase(f)
            let built = try await run(f, ["-f", try f.dockerfile("FROM base\nRUN true"), "."])
            isThere = built.errors.contains("note: isolation `\(name)`: ")
        }
        return isThere
    }
}
