import Foundation
import SystemPackage
import Testing

@Suite("Mounts of containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerMountTests {
    @Test("--mount, --tmpfs and --volumes-from mount what they say")
    func mounts() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build("FROM base\nRUN mkdir /data && echo first > /data/a", "-t", "seeded")
            try f.write("dir/file", "outside")
            func run(_ flags: [String], _ script: String) async throws -> String {
                let result = try await f.start(["run", "--rm"] + flags + ["seeded", "sh", "-c", script]).wait()
                return result.outputText + (result.status == 0 ? "" : result.errors)
            }
            func options(_ target: String) -> String { "grep ' \(target) ' /proc/mounts | cut -d ' ' -f 3,4" }
            for (flags, script, output) in [
                (
                    ["--mount", "type=bind,source=dir,target=/x,readonly"], "cat /x/file; touch /x/y || echo ro",
                    "outsidero\n"
                ),
                (["--mount", "type=bind,src=new,dst=/x,bind-create-src"], "ls /x; touch /x/y && echo rw", "rw\n"),
                (["--mount", "source=v1,target=/data"], "cat /data/a", "first\n"),
                (["--mount", "source=v2,destination=/data,volume-nocopy"], "ls /data; mkdir -p /data/s/t", ""),
                (["--mount", "source=v2,target=/x,volume-subpath=s"], "ls /x", "t\n"),
                (["-v", "v3:/data:nocopy,z"], "ls /data", ""),
                (["--mount", #"type=tmpfs,target=/x,tmpfs-size=64k,"tmpfs-mode=0700""#], "stat -c %a /x", "700\n"),
                (["--tmpfs", "/x:size=64k,uid=5,gid=6,mode=750"], "stat -c %a:%u:%g /x", "750:5:6\n"),
            ] {
                #expect(try await run(flags, script) == output, "\(flags)")
            }
            #expect(try await run(["--tmpfs", "/x:size=64k"], options("/x")).contains("noexec"))
            #expect(try await run(["--tmpfs", "/x:exec"], options("/x")).contains("noexec") == false)
            try await f.succeed(
                "create",
                "--name",
                "first",
                "-v",
                "v1:/data",
                "-v",
                "\(f.context)/dir:/dir",
                "seeded",
                "true"
            )
            #expect(try await run(["--volumes-from", "first"], "cat /data/a /dir/file") == "first\noutside")
            let script = "touch /data/b || echo ro"
            #expect(try await run(["--volumes-from", "first:ro"], script).hasSuffix("ro\n"))
            for (flags, error) in [
                (["--mount", "type=bind,source=none,target=/x"], "the source `none` does not exist"),
                (["--mount", "type=bind,target=/x"], "needs a source"),
                (["--mount", "type=tmpfs,source=a,target=/x"], "has no source"),
                (["--mount", "source=a"], "the target is missing"), (["--mount", "target=x"], "not an absolute path"),
                (["--mount", "type=npipe,target=/x"], "unknown type `npipe`"),
                (["--mount", "target=/x,nope=1"], "unknown option `nope`"),
                (["--mount", "target=/x,tmpfs-size=1m"], "is not an option of the type `volume`"),
                (["--mount", "source=v2,target=/x,volume-subpath=../../x"], "does not exist in the volume"),
                (["--mount", "type=bind,source=dir,target=/x,bind-propagation=rshared"], "is not supported"),
                (["-v", "v1:/x", "--tmpfs", "/x"], "two mounts have the target `/x`"),
                (["-v", "v1:/x:rslave"], "mounts of a container are private"),
                (["-v", "./dir:/x:nocopy"], "`nocopy` is for volumes"), (["--tmpfs", "/x:suid"], "cannot use `suid`"),
                (["--volumes-from", "none"], "no container `none`"),
            ] {
                let result = try await f.start(["run", "--rm"] + flags + ["seeded", "true"]).wait()
                #expect(result.status == 125 && result.errors.contains(error), "\(result)")
            }
        }
    }
    @Test("what is refused has made no volume and no directory")
    func refused() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("create", "--name", "taken", "base", "true")
            let mounts = [
                "-v", "new:/a", "-v", "/b", "-v", "\(f.context)/made:/c", "--mount", "source=other,target=/d",
            ]
            for wrong in [
                ["-v", "more:/a"], ["--mount", "type=bind,source=none,target=/x"], ["--ulimit", "nope=1"],
                ["-u", "nobody-here"], ["--name", "taken"], ["--sysctl", "nope"], ["-m", "1"],
            ] {
                let result = try await f.start(["run"] + mounts + wrong + ["base", "true"]).wait()
                #expect(result.status == 125, "\(result)")
            }
            #expect(try await f.succeed("volume", "ls", "-q").lines == [])
            #expect(!fileExists(f.context.appending("made")))
            #expect(try await f.start(["create"] + mounts + ["base", "true"]).wait().status == 0)
            #expect(try await f.succeed("volume", "ls", "-q").lines.count == 3)
            #expect(fileExists(f.context.appending("made")))
        }
    }
}
