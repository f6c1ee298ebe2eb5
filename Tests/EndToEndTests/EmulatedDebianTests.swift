internal import Foundation
internal import SystemPackage
internal import Testing

/// What a distribution does to users and owners when it installs packages.
@Suite("Packages of Debian")
struct EmulatedDebianTests {
    @Test(
        "are installed by an ordinary user with one ID",
        .enabled("needs mmdebstrap, a mirror of Debian and user namespaces") {
            guard await DebianBase.shared.path != nil else { return false }
            return try await UnprivilegedPlace.singleUser.isAvailable()
        }
    )
    func singleUser() async throws { try await install(in: .singleUser) }

    @Test(
        "are installed by a user without any privilege",
        .enabled("needs mmdebstrap, a mirror of Debian and ptrace") {
            guard await DebianBase.shared.path != nil else { return false }
            return try await UnprivilegedPlace.traced.isAvailable()
        }
    )
    func traced() async throws { try await install(in: .traced) }

    private func install(in place: UnprivilegedPlace) async throws {
        let base = try #require(await DebianBase.shared.path)
        try await BuildFixture.with { f in
            let archive = f.scratch.appending("debian.tar").string
            try FileManager.default.copyItem(atPath: base.string, toPath: archive)
            try place.own(f)
            let imported = try await place.run(f, ["import", archive, "debian"])
            try #require(imported.status == 0, "\(imported)")
            let text = """
                FROM debian
                RUN apt-get update && apt-get install -y --no-install-recommends adduser cron dbus
                RUN adduser --disabled-password --gecos '' alice && adduser --system --group --home /srv/app app && \\
                    su alice -c 'id; touch x; stat -c %U x' >/seen && runuser -u app id >>/seen && \\
                    chown -R alice:app /srv/app
                RUN mkdir /t /u && cd /t && touch a && chown 5:6 a && ln -s a l && mknod n c 1 3 && \\
                    tar -cf - . | tar -C /u -xpf -
                """
            let result = try await place.run(
                f,
                ["-q", "-t", "made", "-f", try f.dockerfile(text), "."],
                limit: .seconds(400)
            )
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            #expect(
                try image.text("/seen").split(separator: "\n") == [
                    "uid=1000(alice) gid=1000(alice) groups=1000(alice),100(users)", "alice",
                    "uid=101(app) gid=103(app) groups=103(app)",
                ]
            )
            let owners = [
                "/usr/bin/crontab": "-2755 0:101", "/var/spool/cron/crontabs": "d1730 0:101",
                "/etc/shadow": "-640 0:42",
                "/usr/lib/dbus-1.0/dbus-daemon-launch-helper": "-4754 0:102", "/home/alice": "d700 1000:1000",
                "/srv/app": "d755 1000:103", "/u/a": "-644 5:6", "/u/n": "c644 0:0",
            ]
            for (path, owner) in owners {
                #expect(image.tree[path]?.listing == "\(owner) \(path)")
            }
        }
    }
}
