internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite(
    "In Docker's default container",
    .enabled(if: Machine.canRun && Machine.has("dockerd"), "needs root, busybox-static and dockerd"),
    .serialized
)
struct DefaultContainerTests {
    /// An image in which there is nothing, but places for the machine's programs, and what to mount there.
    private func prepare(_ f: BuildFixture, _ daemon: DockerDaemon) async throws -> [String] {
        let root = f.scratch.appending("image").string
        for name in ["usr", "opt", "tmp", "etc", "proc", "sys", "dev"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
        }
        chmod("\(root)/tmp", 0o1777)
        for name in ["bin", "lib", "lib64", "sbin"] {
            try FileManager.default.createSymbolicLink(atPath: "\(root)/\(name)", withDestinationPath: "usr/\(name)")
        }
        let archive = f.scratch.appending("image.tar").string
        _ = try await Machine.run(["tar", "-C", root, "-cf", archive, "."], in: f.scratch)
        _ = try await daemon.run("import", archive, "place")
        let binaries = Machine.binary.removingLastComponent()
        return ["/usr:/usr:ro", "/opt:/opt:ro", "\(binaries):\(binaries):ro", "\(f.scratch):\(f.scratch)"].flatMap {
            ["-v", $0]
        }
    }

    /// Runs the binary in a container with nothing but Docker's defaults.
    private func run(
        _ f: BuildFixture,
        _ daemon: DockerDaemon,
        _ mounts: [String],
        user: String = "0",
        _ arguments: [String]
    ) async throws -> CommandResult {
        let store = f.scratch.appending("store-\(user)")
        mkdir(store.string, 0o755)
        if user != "0" { chown(store.string, 1000, 1000) }
        return try await Machine.run(
            [
                "docker", "--host", "unix://\(daemon.scratch)/docker/socket", "run", "--rm", "--network", "none", "-u",
                user,
            ]
                + mounts + ["-w", f.context.string, "-e", "SWIFTBUILD_ROOT=\(store)", "-e", "HOME=/tmp"]
                + ["-e", "PATH=/usr/sbin:/usr/bin", "place"]
                + [Machine.binary.string] + arguments,
            in: f.scratch
        )
    }

    @Test("root builds what root of the machine builds, and another user is told the ways out")
    func builds() async throws {
        try await BuildFixture.with { f in
            try await DockerDaemon.with(f) { daemon in
                let mounts = try await prepare(f, daemon)
                let archive = f.scratch.appending("base.tar").string
                try Data(try await BaseImage.shared.archive()).write(to: URL(fileURLWithPath: archive))
                try f.write("secret", "sesame")
                try f.write("file", "of the context")
                let file = try f.dockerfile(
                    """
                    FROM base AS other
                    RUN mkdir -p /o && echo other >/o/f && chown -R 3:4 /o
                    FROM base
                    RUN echo $(cat /proc/self/comm) $(readlink /proc/self/exe) >/a; ls -d /sys/class >>/a; echo x >/dev/null; \\
                        echo out >/dev/stdout; cat /etc/mtab >/dev/null 2>&1; hostname >>/a; cat /proc/self/cmdline >/dev/null
                    RUN mkdir -m 700 /d && echo 1 >/d/f && chown -R 70:71 /d && ln /d/f /d/g && ln -s f /d/l && mkfifo /d/p
                    USER 70:71
                    RUN id >/d/id; echo no >/a 2>/dev/null || echo refused >>/d/id
                    USER 0
                    COPY file /copied
                    RUN --mount=type=cache,target=/c echo 1 >>/c/n; cp /copied /again; rm /copied
                    RUN --mount=type=cache,target=/c --mount=type=secret,id=s --mount=from=other,source=/o,target=/m \\
                        --mount=target=/x --mount=type=tmpfs,target=/t \\
                        wc -l </c/n >/e; cat /run/secrets/s /m/f /x/file >>/e; stat -c %u:%g /m/f >>/e; touch /t/t
                    RUN rm -r /d/l && sleep 1000 & echo $! >/dev/null
                    """
                )
                let secret = ["--secret", "id=s,src=secret"]
                let imported = try await run(f, daemon, mounts, ["import", archive, "base"])
                try #require(imported.status == 0, "\(imported)")
                let built = try await run(
                    f,
                    daemon,
                    mounts,
                    ["-t", "made", "-f", file] + secret + ["--iidfile", "\(f.scratch)/id", "."]
                )
                try #require(built.status == 0, "\(built)")
                #expect(built.errors.contains("note: isolation `chroot`: "), "\(built)")
                let id = String(decoding: try readFile(f.scratch.appending("id")), as: UTF8.self)
                let image = try BuiltImage(id: id, store: f.scratch.appending("store-0"), transcript: "")
                try await f.succeed("import", archive, "base")
                let expected = try await f.build(
                    try String(contentsOfFile: file, encoding: .utf8),
                    secret[0],
                    secret[1]
                )
                #expect(image.listing() == expected.listing())
                for path in ["/a", "/d/f", "/d/id", "/e"] {
                    #expect(try image.text(path) == expected.text(path), "\(path)")
                }
                // Whoever cannot have another root directory, and may have nothing else.
                _ = try await run(f, daemon, mounts, user: "1000", ["import", archive, "base"])
                let build = ["--isolation=userns-single", "-f", file] + secret + ["."]
                let refused = try await run(f, daemon, mounts, user: "1000", build)
                #expect(refused.status == 3, "\(refused)")
                for way in ["as root", "user namespaces", "allow `ptrace`"] {
                    #expect(refused.errors.contains(way), "\(refused)")
                }
                let copied = try f.dockerfile("FROM base\nCOPY file /\n")
                let plain = try await run(f, daemon, mounts, user: "1000", ["-f", copied, "."])
                #expect(plain.status == 0, "\(plain)")
                let owned = try f.dockerfile("FROM base\nRUN mkdir /d && chown 70:71 /d && stat -c %u:%g /d >/seen\n")
                let traced = try await run(f, daemon, mounts, user: "1000", ["-t", "made", "-f", owned, "."])
                #expect(traced.status == 0 && traced.errors.contains("note: isolation `ptrace`: "), "\(traced)")
            }
        }
    }
}
