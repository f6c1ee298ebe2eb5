internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("Layers mounted in place", .enabled(if: Machine.mountsLayers, "needs root and EROFS from files"))
struct MountedLayersTests {
    private static let epoch = "1700000000"

    /// What reads, changes, replaces and removes files of lower layers in every way.
    private static let text = """
        FROM base AS one
        COPY d /d
        RUN mkdir -p /new/deep && cp -a /etc /new/deep/ && ln /d/1 /d/one && ln -s ../etc /new/link
        RUN rm -r /d/sub && mkdir /d/sub && echo again > /d/sub/f && chmod 700 /d && chown 5:6 /d/2
        RUN rm /d/3 && mv /d/4 /d/44 && echo more >> /d/5 && touch /d/6 && mkfifo /pipe && chmod 4755 /d/7
        FROM one AS two
        RUN --mount=from=one,source=/new,target=/mnt cp -a /mnt /copied && echo x > /d/sub/g
        RUN --mount=from=one,target=/all,rw echo thrown away > /all/d/5; find / -xdev ! -name list | sort > /list; id > /id
        FROM base AS copies
        COPY d /d
        COPY d/sub /e
        FROM scratch AS single
        COPY d /d
        FROM base
        COPY --from=two / /two
        RUN --mount=from=copies,source=/d/sub,target=/m cp -a /m /sub; cp -a /m/f /f
        RUN --mount=from=copies,target=/m --mount=from=single,source=/d,target=/s ls /m/d /s /m/e > /lists
        RUN cat /two/d/sub/* > /cat; find /two -type f | wc -l > /count
        """

    private func write(_ f: BuildFixture) throws {
        for number in 1...300 { try f.write("d/\(number)", String(repeating: "\(number) ", count: number)) }
        try f.write("d/sub/f", "first")
    }

    private func images(_ f: BuildFixture) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: f.store.appending("erofs-v1").string).sorted()
    }

    @Test("give the same image as unpacked ones, also where the two are mixed")
    func sameImage() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try write(f)
            var ids: [String] = []
            for way in ["mounted", "unpacked", "auto", "mounted"] {
                let image = try await f.build(
                    Self.text,
                    "--no-cache",
                    "--build-arg",
                    "SOURCE_DATE_EPOCH=\(Self.epoch)",
                    environment: ["SWIFTBUILD_LAYERS": way]
                )
                ids.append(image.id)
                if ids.count == 1 {
                    #expect(try images(f).count >= 2)
                    // Nothing but what processes left is there as directories.
                    let base = try FileManager.default.contentsOfDirectory(
                        atPath: f.store.appending("snapshots-v1").string
                    )
                    #expect(Set(base).isDisjoint(with: try images(f)))
                }
            }
            #expect(Set(ids).count == 1, "\(ids)")
        }
    }

    @Test("are what containers run on: run, exec, cp, diff and commit see the same files")
    func containers() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try write(f)
            _ = try await f.build("FROM base\nCOPY d /d\nRUN rm /d/9", environment: ["SWIFTBUILD_LAYERS": "mounted"])
            var outputs: [[String]] = []
            for way in ["mounted", "unpacked"] {
                let environment = ["SWIFTBUILD_LAYERS": way]
                func say(_ arguments: String...) async throws -> String {
                    try await f.start(arguments, environment: environment).wait().requireSuccess().outputText
                }
                let name = "c-\(way)"
                _ = try await say(
                    "run",
                    "-d",
                    "--name",
                    name,
                    "image-under-test",
                    "sh",
                    "-c",
                    "echo x >> /d/5; sleep 300"
                )
                var all = [try await say("exec", name, "sh", "-c", "rm /d/7; find /d | sort | sha256sum; cat /d/8")]
                _ = try await say("stop", "-t", "0", name)
                all.append(try await say("diff", name))
                _ = try await say("cp", "\(name):/d/5", f.scratch.appending(way).string)
                all.append(String(decoding: try readFile(f.scratch.appending(way)), as: UTF8.self))
                _ = try await say("commit", name, "committed-\(way)")
                all.append(try await say("run", "--rm", "committed-\(way)", "sh", "-c", "ls -R /d; cat /d/5"))
                _ = try await say("rm", "-f", name)
                outputs.append(all)
            }
            #expect(outputs[0] == outputs[1])
        }
    }

    @Test("are counted by df, named by doctor, and go with their layers")
    func upkeep() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build("FROM base\nRUN true")
            #expect(try images(f).count == 1)
            func json(_ arguments: String...) async throws -> JSON {
                let result = try await f.start(arguments).wait()
                return try JSONDecoder().decode(JSON.self, from: Data(result.output))
            }
            let row = try await json("df", "--format", "json")["rows"].elements.first {
                $0["kind"].text == "mounted layers"
            }
            #expect(row?["count"].integer == 1 && row?["size"].integer ?? 0 > 1000)
            let doctor = try await f.succeed("doctor").outputText
            #expect(doctor.contains("mounted in place by EROFS"))
            let unpacked = try await f.succeed("doctor", environment: ["SWIFTBUILD_LAYERS": "unpacked"]).outputText
            #expect(unpacked.contains("SWIFTBUILD_LAYERS is `unpacked`"))
            // A damaged one is found, and made again by whoever needs it.
            let path = f.store.appending("erofs-v1").appending(try #require(try images(f).first))
            var bytes = try readFile(path)
            bytes[2000] ^= 1
            try Data(bytes).write(to: URL(fileURLWithPath: path.string))
            #expect(try await f.succeed("doctor").outputText.contains("damaged EROFS images"))
            _ = try await f.build("FROM base\nRUN echo again")
            #expect(try await f.succeed("doctor").outputText.contains("in order"))
            try await f.succeed("prune", "--all")
            #expect(try images(f).count == 1)
            try await f.succeed("rmi", "image-under-test", "base")
            try await f.succeed("prune", "--all")
            #expect(try images(f) == [])
        }
    }

    @Test("end with the build, also when it is killed: the filesystem of the store can be unmounted")
    func killed() async throws {
        try await BuildFixture.with { f in
            let place = f.scratch.appending("place")
            try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
            _ = try await Machine.run(["mount", "-t", "tmpfs", "none", place.string], in: f.scratch)
            let environment = ["SWIFTBUILD_ROOT": place.appending("store").string, "SWIFTBUILD_LAYERS": "mounted"]
            let archive = try await BaseImage.shared.archive()
            try await f.succeed("import", "-", "base", environment: environment, input: archive)
            let marker = UUID().uuidString
            let text = "FROM base\nENV MARKER=\(marker)\nRUN echo re''ady; sleep 300"
            let build = try f.start(
                ["build", "--progress", "plain", "-f", try f.dockerfile(text), "."],
                environment: environment
            )
            try await build.waitForErrors(containing: "\nready")
            build.signal(SIGKILL)
            _ = try await build.wait()
            var status: Int32 = -1
            for _ in 0..<100 where status != 0 {
                status = umount(place.string)
                if status != 0 { try await Task.sleep(for: .milliseconds(50)) }
            }
            #expect(status == 0)
            if status != 0 { umount2(place.string, 2 /* MNT_DETACH */) }
        }
    }
}
