internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite(
    "An ordinary user with one ID",
    .enabled("no user namespaces for ordinary users here") { try await UnprivilegedPlace.singleUser.isAvailable() }
)
struct EmulatedUserTests {
    private let place = UnprivilegedPlace.singleUser

    @Test("has owners, users and devices in RUN, in later steps, in the image and in containers")
    func owners() async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let text = """
                FROM base
                RUN echo 'postgres:x:70:70::/d:/bin/sh' >>/etc/passwd && echo 'postgres:x:70:' >>/etc/group && \\
                    mkdir -m 700 /d && echo 1 >/d/f && chmod 4755 /d/f && chown -R postgres:postgres /d && mknod /dv c 1 3 && \\
                    stat -c '%a %u:%g' /d /d/f >/seen && stat -c '%F %t:%T' /dv >>/seen
                RUN su postgres -c 'echo 2 >/d/g; mkdir /d/e; chown 0 /d/g 2>/dev/null || echo refused; ulimit -x 0; id' >>/seen
                USER postgres
                RUN umask 077; id -u >/d/id; echo 3 >>/d/g; ln -s g /d/l; mkfifo /d/p; ln -s g /tmp/l; ln -s /d/g /d/a
                USER 0
                RUN chown 0:0 /d/e && chown -h 5:6 /d/a && mv /d/a /d/b && touch -h -d @1000000000 /d/b && chown -h 0:0 /tmp/l && \\
                    ln -s x /tmp/m && chown -h 7:8 /tmp/m && cat /d/b >/dev/null && stat -c '%u:%g %n' /d/* >>/seen
                RUN stat -c '%u:%g %n' /d/b /d/l /tmp/l /tmp/m >>/seen; [ $(stat -c %X /d/b) -lt 4000000000 ] && \\
                    cp -a /d /copy && stat -c '%u:%g %n' /copy/b /copy/p >>/seen
                """
            let result = try await place.run(f, ["-q", "-t", "made", "-f", try f.dockerfile(text), "."])
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            let lines = [
                "700 70:70", "755 70:70", "character special file 1:3", "refused",
                "uid=70(postgres) gid=70(postgres) groups=70(postgres)", "5:6 /d/b", "0:0 /d/e", "70:70 /d/f",
                "70:70 /d/g", "70:70 /d/id", "70:70 /d/l", "70:70 /d/p", "5:6 /d/b", "70:70 /d/l", "0:0 /tmp/l",
                "7:8 /tmp/m", "5:6 /copy/b", "70:70 /copy/p",
            ]
            #expect(try image.text("/seen").split(separator: "\n").map(String.init) == lines)
            #expect(
                image.listing("/d").filter { !$0.hasPrefix("l") } == [
                    "d700 70:70 /d", "d755 0:0 /d/e", "-755 70:70 /d/f", "-644 70:70 /d/g", "-600 70:70 /d/id",
                    "p600 70:70 /d/p",
                ]
            )
            let owners = ["/d/b", "/d/l", "/tmp/l", "/tmp/m", "/copy/b"].map { path in
                image.tree[path].map { "\($0.user):\($0.group)" }
            }
            #expect(owners == ["5:6", "70:70", "0:0", "7:8", "5:6"])
            #expect(image.tree["/dv"].map { $0.listing.hasPrefix("c") || $0.listing.hasPrefix("-") == false } ?? false)
            #expect(image.tree["/d/f"]?.records.keys.contains { $0.contains("swiftbuild") } == false)
            // From what is unpacked anew, and in a container.
            let run = try await place.run(
                f,
                ["run", "--rm", "-u", "70", "made", "sh", "-c", "id -u; stat -c %u /d/f; touch /d/x; stat -c %u /d/x"]
            )
            #expect(run.outputText == "70\n70\n70\n", "\(run)")
            _ = try await place.run(f, ["prune", "--all"])
            let again = try await place.run(
                f,
                [
                    "-q", "-t", "again", "--no-cache", "-f", try f.dockerfile("FROM made\nRUN stat -c %u:%g /d/f >/x"),
                    ".",
                ]
            )
            try #require(again.status == 0, "\(again)")
            #expect(try BuiltImage(id: again.line, store: f.store, transcript: "").text("/x") == "70:70\n")
        }
    }

    /// What the entry points of databases look at before they start.
    @Test(
        "makes an image whose service docker starts as its own user, with its files",
        .enabled(if: Machine.has("dockerd") && Machine.has("docker"), "needs docker.io"),
        .enabled(if: Machine.isRoot, "needs root: starts a daemon of its own")
    )
    func docker() async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let text = """
                FROM base
                RUN echo 'postgres:x:999:999::/data:/bin/sh' >>/etc/passwd && echo 'postgres:x:999:' >>/etc/group && \\
                    mkdir -m 700 /data /server && chown postgres:postgres /data /server && \\
                    su postgres -c 'echo 3 rows >/data/table && chmod 600 /data/table'
                USER postgres
                CMD [ "$(stat -c %a:%U /data)" = 700:postgres ] && touch /server/lock && id -un && cat /data/table && \\
                    echo 4 rows >/data/table && cat /data/table; touch /etc/x 2>/dev/null || echo no root
                """
            let built = try await place.run(f, ["-q", "-t", "database", "-f", try f.dockerfile(text), "."])
            try #require(built.status == 0, "\(built)")
            let archive = "\(f.scratch)/database.tar"
            let saved = try await place.run(f, ["save", "-o", archive, "database"])
            try #require(saved.status == 0, "\(saved)")
            try await DockerDaemon.with(f) { docker in
                _ = try await docker.run("load", "-i", archive)
                let said = try await docker.run("run", "--rm", "--network", "none", "database")
                #expect(said.outputText == "postgres\n3 rows\n4 rows\nno root\n", "\(said)")
            }
        }
    }

    @Test("can flood the emulation with processes and signals, and ends it with its supervisor")
    func flood() async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let text = """
                FROM base
                RUN for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5 6 7 8 9 10; do \\
                    echo $j >/f$i && chown $i:$j /f$i && chmod 600 /f$i && stat /f$i >/dev/null & kill -CONT $!; done; wait) & done; \\
                    wait; p=$(printf 'd%.0s' 1 2 3 4 5 6 7 8 9 10); mkdir -p /$p/$p && cd /$p/$p && chown 7 . ../$p && \\
                    stat -c %u /$p/$p >/result; kill -KILL -1; true
                """
            let result = try await place.run(f, ["-q", "-t", "made", "-f", try f.dockerfile(text), "."])
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            #expect(try image.text("/result") == "7\n")
            for number in 1...8 { #expect(image.listing("/f\(number)").first?.contains(" \(number):") ?? false) }

            let build = try RunningCommand(
                place.wrapper(f.scratch) + [
                    Machine.binary.string, "-f", try f.dockerfile("FROM base\nRUN echo up >&2; sleep 1000"), ".",
                ],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            )
            try await build.waitForErrors(containing: "\nup\n")
            for name in Machine.processes(withEnvironment: "SWIFTBUILD_ROOT=\(f.store)") {
                let comm = (try? readFile(FilePath("/proc/\(name)/comm"))) ?? []
                if comm.starts(with: "swiftbuild-run".utf8), let id = pid_t(name) { kill(id, SIGKILL) }
            }
            #expect(try await build.wait(limit: .seconds(30)).status == 1)
        }
    }
}
