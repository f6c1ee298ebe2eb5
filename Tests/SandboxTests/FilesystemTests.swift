import FileSystem
import Foundation
import Sandbox
import SystemPackage
import Testing

@Suite("The filesystem of a sandbox", .needsFullSandbox)
struct FilesystemTests {
    @Test("Changes land in the upper directory, deletions as whiteouts, and the lower one stays as it was")
    func overlay() throws {
        try SandboxFixture.with { fixture in
            try fixture.write("kept", to: "lower/etc/kept")
            try fixture.write("gone", to: "lower/etc/gone")
            try fixture.write("old", to: "lower/data/old")
            let outcome = try run(
                fixture.configuration("echo new > /etc/new; rm /etc/gone; rm -r /data; mkdir /data; echo x > /tmp/x")
            )
            #expect(outcome.exit == .exited(0), "\(outcome)")
            let whiteout = try FileStatus.of(fixture.upper.appending("etc/gone"))
            #expect(whiteout.kind == .characterDevice && whiteout.deviceNumber == 0)
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.upper.appending("data").string)
            let extended = attributes[FileAttributeKey("NSFileExtendedAttributes")] as? [String: Data]
            #expect(extended?["trusted.overlay.opaque"] == Data("y".utf8))
            #expect(fixture.exists("upper/etc/new") && fixture.exists("upper/tmp/x"))
            #expect(!fixture.exists("upper/etc/kept") && fixture.exists("lower/etc/gone"))
            #expect(fixture.exists("lower/data/old") && !fixture.exists("lower/etc/new"))
        }
    }

    @Test("Nothing is mounted on the machine, during or after")
    func noMountsLeft() throws {
        try SandboxFixture.with { fixture in
            let before = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
            let process = try SandboxProcess.launch(fixture.configuration("sleep 1000"))
            #expect(try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) == before)
            process.kill()
            _ = try process.wait()
            #expect(try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) == before)
        }
    }

    @Test("The topmost of many lower directories wins")
    func manyLowers() throws {
        try SandboxFixture.with { fixture in
            let layers = try (0..<120).map { number in
                try fixture.write("\(number)", to: "layers/\(number)-with-a-long-name,and:special\\characters/etc/top")
                return fixture.scratch.appending("layers/\(number)-with-a-long-name,and:special\\characters")
            }
            var configuration = try fixture.configuration("cat /etc/top")
            configuration.root = .overlay(
                lower: layers + [fixture.lower],
                upper: fixture.upper,
                work: try fixture.freshWork()
            )
            #expect(try run(configuration).output == "0")
        }
    }

    @Test("A plain directory can be the root, and is changed in place")
    func directoryRoot() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration("echo here > /file; cat /proc/1/comm; true")
            configuration.root = .directory(fixture.lower)
            let outcome = try run(configuration)
            #expect(outcome.output == "sh\n")
            #expect(fixture.exists("lower/file"))
        }
    }

    @Test("Standard devices work, and no device of the machine can be used")
    func devices() throws {
        try SandboxFixture.with { fixture in
            let outcome = try run(
                fixture.configuration(
                    """
                    echo x > /dev/null && head -c 4 /dev/urandom > /dev/zero && ls /dev/fd/0 /dev/pts/ptmx /dev/shm > /dev/null
                    for place in /dev /dev/shm /tmp; do
                        mknod $place/disk c 1 1 || echo no mknod
                        cat $place/disk 2>&1 | head -c 60; echo
                    done
                    """
                )
            )
            #expect(outcome.error == "")
            let lines = outcome.output.split(separator: "\n")
            // The control group says the one, a filesystem without devices the other.
            let refusals = ["Operation not permitted", "Permission denied"]
            let areRefused = lines.allSatisfy { line in refusals.contains { line.hasSuffix($0) } }
            #expect(lines.count == 3 && areRefused, "\(outcome.output)")
        }
    }

    @Test("Sensitive parts of /proc and /sys are hidden or read-only")
    func protectedPaths() throws {
        try SandboxFixture.with { fixture in
            let script = """
                cat /proc/kcore /proc/keys | head -c 10; ls /sys/firmware /proc/scsi 2>/dev/null | grep -v :
                echo 1 > /proc/sys/vm/drop_caches; echo x > /sys/kernel/uevent_seqnum
                mount -t tmpfs none /tmp
                """
            let outcome = try run(fixture.configuration(script))
            #expect(outcome.output == "", "\(outcome)")
            let lines = outcome.error.split(separator: "\n")
            #expect(lines.count(where: { $0.contains("Read-only file system") }) == 2, "\(outcome)")
            #expect(
                outcome.error.contains("permission denied") || outcome.error.contains("not permitted"),
                "\(outcome)"
            )
        }
    }

    @Test("Mounts are there, made where missing, reported, and never in the layer but as mount points")
    func mounts() throws {
        try SandboxFixture.with { fixture in
            try fixture.write("nameserver", to: "host/resolv.conf")
            try fixture.write("content", to: "host/tree/file")
            try fixture.write("top", to: "stage/top/app/a")
            try fixture.write("bottom", to: "stage/bottom/app/b")
            try fixture.write("mine", to: "lower/etc/hosts")
            let host = fixture.scratch.appending("host")
            let stage = fixture.scratch.appending("stage")
            var configuration = try fixture.configuration(
                """
                cat /etc/resolv.conf /etc/hosts /mnt/tree/file /stage/a /stage/b /whole/app/a /one/b; echo
                echo changed > /etc/hosts; echo x > /mnt/tree/file || echo read-only; echo y > /cache/y; echo z > /whole/z
                stat -c %a /cache; echo w > /stage/w || echo read-only
                """
            )
            configuration.mounts = [
                SandboxMount(.bind(host.appending("resolv.conf")), target: "/etc/resolv.conf"),
                SandboxMount(.bind(host.appending("resolv.conf")), target: "/etc/hosts"),
                SandboxMount(.bind(host.appending("tree")), target: "/mnt/tree", isReadOnly: true),
                SandboxMount(
                    .overlay(lower: [stage.appending("top"), stage.appending("bottom")], path: "/app"),
                    target: "/stage"
                ),
                SandboxMount(.memory(size: 1 << 20, permissions: 0o700), target: "/cache"),
                SandboxMount(
                    .overlay(
                        lower: [stage.appending("top")],
                        upper: try fixture.freshWork(),
                        work: try fixture.freshWork()
                    ),
                    target: "/whole"
                ),
                SandboxMount(
                    .overlay(lower: [stage.appending("bottom")], path: "app"),
                    target: "/one",
                    isReadOnly: true
                ),
            ]
            let outcome = try run(configuration)
            #expect(
                outcome.output == "nameservernameservercontenttopbottomtopbottom\nread-only\n700\nread-only\n",
                "\(outcome)"
            )
            #expect(
                outcome.created.dropFirst(3).map(\.path)
                    == ["/etc/resolv.conf", "/mnt", "/mnt/tree", "/stage", "/cache", "/whole", "/one"]
            )
            #expect(outcome.created[3].isDirectory == false && outcome.created[4].isDirectory)
            #expect(try FileStatus.of(fixture.upper.appending("etc/resolv.conf")).size == 0)
            #expect(!fixture.exists("upper/etc/hosts") && !fixture.exists("upper/cache/y"))
            #expect(!fixture.exists("stage/top/z"))
        }
    }

    @Test("A file in memory has its content and mode, can be changed, and is gone afterwards")
    func content() throws {
        try SandboxFixture.with { fixture in
            try fixture.write("image", to: "lower/etc/hosts")
            var configuration = try fixture.configuration(
                """
                cat /etc/hosts /etc/more; stat -c %a /etc/hosts; echo changed > /etc/hosts; cat /etc/hosts
                /dev/script; echo x > /dev/script || echo read-only
                """
            )
            let long = Array(repeating: UInt8(ascii: "x"), count: 100_000)
            configuration.mounts = [
                SandboxMount(.content(Array("machine\n".utf8)), target: "/etc/hosts"),
                SandboxMount(.content(long), target: "/etc/more"),
                SandboxMount(
                    .content(Array("#!/bin/sh\necho script".utf8), permissions: 0o755),
                    target: "/dev/script",
                    isReadOnly: true
                ),
            ]
            let text = String(decoding: long, as: UTF8.self)
            for _ in 0..<2 {
                let outcome = try run(configuration)
                #expect(outcome.output == "machine\n\(text)644\nchanged\nscript\nread-only\n", "\(outcome.error)")
                configuration.root = .overlay(
                    lower: [fixture.lower],
                    upper: fixture.upper,
                    work: try fixture.freshWork()
                )
            }
            #expect(!fixture.exists("upper/etc/hosts"))
            #expect(try FileStatus.of(fixture.upper.appending("etc/more")).size == 0)
        }
    }

    @Test("More mount points can be made than a pipe takes reports of at once")
    func manyMountPoints() throws {
        try SandboxFixture.with { fixture in
            let deep = String(repeating: "/" + String(repeating: "d", count: 200), count: 15)
            var configuration = try fixture.configuration("test -d /9\(deep) && echo there")
            configuration.mounts = (0..<10).map { SandboxMount(.memory(), target: "/\($0)\(deep)") }
            let outcome = try run(configuration)
            #expect(outcome.output == "there\n", "\(outcome.error)")
            #expect(outcome.created.suffix(160).last?.path == "/9\(deep)")
            #expect(outcome.created.reduce(0) { $0 + $1.path.utf8.count } > 1 << 16)
        }
    }

    @Test("A mount that fails says which one and why")
    func mountError() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration("true")
            configuration.mounts = [
                SandboxMount(.memory(), target: "/a"),
                SandboxMount(.bind(fixture.scratch.appending("nothing")), target: "/b"),
            ]
            let error = #expect(throws: SandboxError.self) { try run(configuration) }
            #expect(
                error?.description
                    == "could not mount `\(fixture.scratch)/nothing` on `/b` (mount 2 of 2): no such file or directory"
            )
            configuration.mounts = [SandboxMount(.memory(), target: "/nowhere", createsTarget: false)]
            configuration.root = .overlay(lower: [fixture.lower], upper: fixture.upper, work: try fixture.freshWork())
            #expect(throws: SandboxError.self) { try run(configuration) }
        }
    }

    @Test("Without network there is only a loopback interface, and it is up")
    func network() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration("ls /sys/class/net; cat /sys/class/net/lo/carrier")
            configuration.network = .none
            #expect(try run(configuration).output == "lo\n1\n")
        }
    }
}
