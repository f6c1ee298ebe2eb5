import Foundation
import SystemPackage
import Testing

@Suite("The files of containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerFilesTests {
    @Test("diff lists what a container has changed as Docker does, running or not")
    func changes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("create", "--name", "fresh", "base", "true")
            #expect(try await f.succeed("diff", "fresh").outputText == "")
            let script = """
                mkdir -p /var/lib/x; echo a > /var/lib/x/f; echo b >> /etc/passwd; rm -r /home; rm /bin/ls
                rm -r /usr/bin; mkdir /usr/bin; echo 1 > /usr/bin/new; touch /root; chmod 755 /tmp; ln -s a /tmp/link
                echo ready; sleep 100
                """
            try await f.succeed("run", "-d", "--name", "box", "base", "sh", "-c", script)
            while try await f.succeed("logs", "box").outputText != "ready\n" {
                try await Task.sleep(for: .milliseconds(20))
            }
            let changes = """
                C /bin
                D /bin/ls
                C /etc
                C /etc/passwd
                D /home
                C /tmp
                A /tmp/link
                C /usr
                C /usr/bin
                A /usr/bin/new
                D /usr/bin/yes
                C /var
                A /var/lib
                A /var/lib/x
                A /var/lib/x/f

                """
            /// Of the directory that was replaced, one name stands for all that are missing.
            func shown(_ output: String) -> String {
                output.split(separator: "\n").filter { !$0.hasPrefix("D /usr/bin/") || $0.hasSuffix("/yes") }
                    .map { $0 + "\n" }.joined()
            }
            #expect(shown(try await f.succeed("diff", "box").outputText) == changes)
            try await f.succeed("kill", "box")
            #expect(shown(try await f.succeed("container", "diff", "box").outputText) == changes)
            let document = try await f.succeed("diff", "--format", "json", "box").outputText
            #expect(document.contains("/tmp/link"), "\(document.prefix(300))")
            let image = try await f.swiftbuild("diff", "base")
            #expect(image.status == 2 && image.errors.contains("name a second one"), "\(image)")
            let missing = try await f.swiftbuild("diff", "nope")
            #expect(missing.status == 2 && missing.errors.contains("there is no container `nope`"), "\(missing)")
        }
    }

    /// One row of the table in the reference of `docker cp`: what is copied where, and which paths have the file then.
    struct CopyCase: Sendable, CustomTestStringConvertible {
        let source: String
        let destination: String
        /// The path of the copied `f`, or what is said.
        var copy: String?
        var error: String?

        var testDescription: String { "\(source) to \(destination)" }
    }

    /// `tree` has `f` and the directory `sub` with `f`; the destination has the directory `dir` and the file `file`.
    private static let cases = [
        // A file.
        CopyCase(source: "tree/f", destination: "new", copy: "new"),
        CopyCase(source: "tree/f", destination: "new/", error: "does not exist"),
        CopyCase(source: "tree/f", destination: "none/new", error: "does not exist"),
        CopyCase(source: "tree/f", destination: "file", copy: "file"),
        CopyCase(source: "tree/f", destination: "file/", error: "is not a directory"),
        CopyCase(source: "tree/f", destination: "dir", copy: "dir/f"),
        CopyCase(source: "tree/f", destination: "dir/", copy: "dir/f"),
        CopyCase(source: "tree/f/", destination: "dir", error: "is not a directory"),
        CopyCase(source: "tree/f/.", destination: "dir", error: "is not a directory"),
        CopyCase(source: "tree/none", destination: "dir", error: "tree/none"),
        // A directory.
        CopyCase(source: "tree", destination: "new", copy: "new/sub/f"),
        CopyCase(source: "tree", destination: "new/", copy: "new/sub/f"),
        CopyCase(source: "tree/.", destination: "new", copy: "new/sub/f"),
        CopyCase(source: "tree", destination: "none/new", error: "does not exist"),
        CopyCase(source: "tree", destination: "file", error: "is not a directory"),
        CopyCase(source: "tree", destination: "dir", copy: "dir/tree/sub/f"),
        CopyCase(source: "tree/", destination: "dir/", copy: "dir/tree/sub/f"),
        CopyCase(source: "tree/.", destination: "dir", copy: "dir/sub/f"),
        // Links: as such, or what they lead to; a link in the place of the destination is followed.
        CopyCase(source: "tree/to-sub/", destination: "dir", copy: "dir/to-sub/f"),
        CopyCase(source: "tree/f", destination: "to-dir", copy: "dir/f"),
        CopyCase(source: "tree/f", destination: "to-nothing", copy: "made-by-link"),
    ]

    @Test("cp follows the table of docker cp in both directions, for running and stopped containers")
    func copyTable() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("tree/f", "outer")
            try f.write("tree/sub/f", "inner")
            try f.link("tree/to-sub", to: "sub")
            try await f.succeed("run", "-d", "--name", "running", "-w", "/w", "base", "sleep", "100")
            try await f.succeed("create", "--name", "stopped", "-w", "/w", "base", "sleep", "100")
            try await f.succeed("start", "stopped")
            try await f.succeed("cp", "tree", "running:/w/tree")
            try await f.succeed("cp", "tree", "stopped:/w/tree")
            let reset = """
                cd /w; rm -rf new dir file to-* made*; mkdir dir; echo old > file; ln -s dir to-dir
                ln -s made-by-link to-nothing
                """
            try await f.succeed("exec", "stopped", "sh", "-c", reset)
            try await f.succeed("kill", "stopped")
            for item in Self.cases {
                let inner = item.copy?.contains("sub") ?? false ? "inner" : "outer"
                // Into the running one.
                try await f.succeed("exec", "running", "sh", "-c", reset)
                let arguments = ["cp", item.source, "running:/w/\(item.destination)"]
                let copied = try await f.start(arguments).wait()
                try await check(copied, item) {
                    try await f.succeed("exec", "running", "cat", "/w/\($0)").outputText
                } inner: {
                    inner
                }
                // Out of the stopped and of the running one.
                for name in ["running", "stopped"] {
                    try await f.reset(reset)
                    let arguments = ["cp", "\(name):w/\(item.source)", "w/\(item.destination)"]
                    let copied = try await f.start(arguments).wait()
                    try await check(copied, item) { path in
                        String(decoding: try readFile(f.context.pushing(FilePath("w/\(path)"))), as: UTF8.self)
                    } inner: {
                        inner
                    }
                }
            }
            try await f.succeed("rm", "-f", "running")
        }
    }

    private func check(
        _ result: CommandResult,
        _ item: CopyCase,
        read: (String) async throws -> String,
        inner: () -> String
    ) async throws {
        if let error = item.error {
            #expect(result.status == 1 && result.errors.contains(error), "\(item.testDescription): \(result)")
        } else if let copy = item.copy {
            #expect(result.status == 0, "\(item.testDescription): \(result)")
            let content = try await read(copy)
            #expect(["inner", "outer"].contains(content), "\(item.testDescription)")
            if copy.contains("sub") { #expect(content == inner()) }
        }
    }

    @Test("cp sees volumes, leaves nothing mounted, and follows no link out of a container")
    func copyPlaces() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("secret", "outside")
            try f.write("new", "new")
            let script = """
                echo kept > /data/f; ln -s \(f.context)/secret /leak; ln -s / /rootlink
                ln -s ../../../../../../\(f.context)/secret /up; echo own > /etc/own; mknod /d c 1 3
                """
            try await f.succeed("run", "--name", "box", "-v", "data:/data", "base", "sh", "-c", script)
            try await f.succeed("cp", "box:/data/f", "out")
            #expect(try readFile(f.context.appending("out")) == Array("kept\n".utf8))
            try await f.succeed("cp", "new", "box:/data/")
            try await f.succeed("cp", "new", "box:rootlink/etc/linked")
            for link in ["leak", "up"] {
                let result = try await f.swiftbuild("cp", "-L", "box:/\(link)", "leaked")
                #expect(result.status == 1 && result.errors.contains("is not in the container"), "\(result)")
            }
            // A link that is a destination leads to a place in the container.
            #expect(try await f.swiftbuild("cp", "new", "box:/leak").status == 1)
            #expect(try readFile(f.context.appending("secret")) == Array("outside".utf8))
            let device = try await f.succeed("cp", "box:/d", "device")
            #expect(device.errors.contains("is a device and was left out"))
            let shown = try await f.succeed("run", "--rm", "-v", "data:/data", "base", "cat", "/data/new")
            #expect(shown.outputText == "new")
            let tar = try await f.succeed("cp", "box:/etc/own", "-")
            #expect(try TarArchive.read(tar.output).map(\.path) == ["/own"])
            try await f.succeed(
                "create",
                "--name",
                "other",
                "base",
                "sh",
                "-c",
                "cat /tmp/own && stat -c %u:%g /tmp/own"
            )
            try await f.succeed("cp", "-", "other:/tmp", input: tar.output)
            #expect(try await f.succeed("start", "-a", "other").outputText == "own\n0:0\n")
            for (arguments, error) in [
                (["box:/etc/own", "other:/tmp"], "from one container to a container"),
                (["base:/etc/passwd", "other:/tmp"], "cannot copy from `base`"),
                (["new", "nope:/"], "no container `nope`"),
                (["new", "out2"], "names no file"), (["-", "other:/nope"], "does not exist"),
            ] {
                let result = try await f.start(["cp"] + arguments, input: tar.output).wait()
                #expect(result.status != 0 && result.errors.contains(error), "\(result)")
            }
            try await f.succeed("run", "-d", "--name", "up", "base", "sleep", "100")
            #expect(try await f.swiftbuild("cp", "up:/proc/1/status", "-").errors.contains("kernel"))
            try await f.succeed("rm", "-f", "up")
        }
    }

    @Test("start and rm wait for a cp from the container")
    func copyMeanwhile() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for command in [["start", "-a", "box"], ["rm", "box"]] {
                try await f.succeed("create", "--name", "box", "base", "echo", "box")
                // More than a pipe holds.
                let script = "\(Machine.binary) cp box:/bin/busybox - | { touch copying; sleep 1; wc -c; }"
                let copy = try RunningCommand(
                    ["sh", "-c", script],
                    environment: f.environment,
                    directory: f.context,
                    logs: f.scratch
                )
                // Time is the subject: the one waits for the other.
                try await waitUntil { fileExists(f.context.appending("copying")) }
                try await Task.sleep(for: .milliseconds(500))
                let result = try await f.start(command).wait()
                #expect(result.status == 0 && result.outputText == "box\n", "\(result)")
                let copied = try await copy.wait()
                #expect(Int(copied.line).map { $0 > 1 << 17 } ?? false, "\(copied)")
                try await f.succeed("rm", "-f", "box")
                try f.remove("copying")
            }
        }
    }

    @Test("export writes all files, and commit makes an image of what was changed")
    func exportAndCommit() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let script = "echo made > /made; rm /etc/passwd; chown 5:6 /made; ln /made /twin; echo up; exec sleep 100"
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "box",
                "-e",
                "A=1",
                "-w",
                "/tmp",
                "-v",
                "/data",
                "base",
                "sh",
                "-c",
                script
            )
            while try await f.succeed("logs", "box").outputText != "up\n" {
                try await Task.sleep(for: .milliseconds(20))
            }
            let running = try TarArchive.read(try await f.succeed("export", "box").output)
            let made = try #require(running.first { $0.path == "/made" })
            #expect(String(decoding: made.content, as: UTF8.self) == "made\n")
            #expect(!running.contains { $0.path == "/etc/passwd" } && running.contains { $0.path == "/bin/busybox" })
            #expect(!running.contains { $0.path.hasPrefix("/proc/") })
            let id = try await f.succeed(
                "commit",
                "-m",
                "by hand",
                "-a",
                "me",
                "-c",
                #"CMD ["cat", "/twin"]"#,
                "box",
                "made:1"
            ).outputText
            #expect(id.hasPrefix("sha256:"))
            #expect(try await f.succeed("ps", "--format", "{{.State}}").outputText == "running\n")
            #expect(try await f.succeed("run", "--rm", "made:1").outputText == "made\n")
            let command = "echo $A $PWD; stat -c %u:%g /made; ls /etc"
            let shown = try await f.succeed("run", "--rm", "made:1", "sh", "-c", command)
            #expect(shown.outputText.hasPrefix("1 /tmp\n5:6\n") && !shown.outputText.contains("passwd"))
            let history = try await f.succeed("history", "--format", "{{.Comment}}", "made:1").outputText
            #expect(history.hasPrefix("by hand\n"))
            // The container's own mount points are in no layer.
            let difference = try await f.swiftbuild("diff", "base", "made:1")
            #expect(difference.outputText.contains("/etc/passwd") && !difference.outputText.contains("/etc/hosts"))
            try await f.succeed("kill", "box")
            try await f.succeed("export", "-o", "out.tar", "box")
            let stopped = try TarArchive.read(try readFile(f.context.appending("out.tar")))
            #expect(stopped.map(\.path) == running.map(\.path))
            try await f.succeed("rm", "-v", "box")
            try await f.succeed("create", "--name", "fresh", "base", "true")
            try await f.succeed("commit", "fresh", "same")
            #expect(try await f.swiftbuild("diff", "base", "same").outputText.contains("files:") == false)
        }
    }

}

extension BuildFixture {
    /// Makes the directory `w` of the context as a script does in a container.
    fileprivate func reset(_ script: String) async throws {
        try makeDirectory("w")
        let text = script.replacingOccurrences(of: "cd /w", with: "cd \(context)/w")
        let result = try await Machine.run(["sh", "-c", text], in: context)
        #expect(result.status == 0)
    }
}
