internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("Stages")
struct StagesTests {
    @Test("a multi-stage build takes files from stages by name in any case and by index, and tags only its target")
    func multiStage() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            try f.write("b", "b")
            try f.write(
                "Dockerfile",
                """
                FROM scratch AS Builder
                WORKDIR /ignored
                COPY a /out/a
                FROM scratch
                COPY b /out/b
                FROM scratch AS final
                COPY --from=bUILDER out/a /
                COPY --from=1 /out /all

                """
            )
            let id = try await f.succeed("-q", "-t", "final", ".").line
            let image = try BuiltImage(id: id, store: f.store, transcript: "")
            #expect(image.tree.keys.sorted() == ["/a", "/all", "/all/b"])
            #expect(try await f.succeed("images").outputText.split(separator: "\n").count == 2)
        }
    }

    @Test("only the stages that the target reaches are built")
    func reached() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            let text = """
                FROM scratch AS broken
                COPY does-not-exist /x
                FROM scratch AS other
                COPY a /other
                FROM scratch AS last
                COPY a /last
                """
            #expect(try await f.build(text).tree.keys.sorted() == ["/last"])
            #expect(try await f.build(text, "--target", "Other").tree.keys.sorted() == ["/other"])
            let message = try await f.buildFailing(text, "--target", "lost")
            #expect(message.contains("lost"))
            #expect(message.contains("last"), "the nearest name is suggested")
            try await f.buildFailing(text, "--target", "1")
        }
    }

    @Test("--from with a variable, an unknown stage, itself or a later stage is an error")
    func wrongFrom() async throws {
        try await BuildFixture.with { f in
            try await f.buildFailing("FROM scratch AS a\nFROM scratch\nARG S=a\nCOPY --from=$S /x /x")
            try await f.buildFailing("FROM scratch AS a\nCOPY --from=a /x /x")
            try await f.buildFailing("FROM scratch AS a\nCOPY --from=1 /x /x\nFROM a")
            let message = try await f.buildFailing(
                "FROM scratch AS builder\nLABEL a=b\nFROM scratch\nCOPY --from=bilder /x /x"
            )
            #expect(message.contains("bilder"))
        }
    }

    @Test("COPY --from names an image of the store, and a source in it that does not exist is an error")
    func fromImage() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            _ = try await f.build("FROM scratch\nCOPY --chown=5:6 a /d/a", "-t", "source:1")
            let image = try await f.build("FROM scratch\nCOPY --from=source:1 /d/* /x/")
            #expect(image.listing() == ["d755 0:0 /x", "-644 5:6 /x/a"])
            let message = try await f.buildFailing("FROM scratch\nCOPY --from=source:1 /d/lost /x")
            #expect(message.contains("/d/lost"))
        }
    }

    @Test("FROM a stage or an image keeps its configuration and adds to it")
    func inherit() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            _ = try await f.build(
                "FROM scratch\nENV A=1\nLABEL l=1\nUSER 5\nEXPOSE 80\nCMD [\"x\"]\nCOPY a /a",
                "-t",
                "parent"
            )
            let image = try await f.build("FROM parent AS p\nENV B=2\nFROM p\nENV A=3\nCOPY a /b")
            #expect(image.environment.suffix(2) == ["A=3", "B=2"])
            #expect(image.config["User"] == "5")
            #expect(image.config["Cmd"] == ["x"])
            #expect(image.config["Labels"]["l"] == "1")
            #expect(image.tree.keys.sorted() == ["/a", "/b"])
        }
    }

    @Test("independent stages run at the same time", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func parallel() async throws {
        try await BuildFixture.with(.all) { f in
            try await f.importBase()
            let text = """
                FROM base AS one
                RUN sleep 2 && echo one >/one
                FROM base AS two
                RUN sleep 2 && echo two >/two
                FROM scratch
                COPY --from=one /one /
                COPY --from=two /two /
                """
            let clock = ContinuousClock()
            var image: BuiltImage?
            let time = try await clock.measure { image = try await f.build(text) }
            #expect(time < .seconds(3.5), "\(time)")
            #expect(image?.listing() == ["-644 0:0 /one", "-644 0:0 /two"])
        }
    }

    @Test(
        "a chain of stages takes memory in proportion to its length, built and checked",
        .enabled(if: Machine.has("python3"), "needs python3"),
        arguments: [["build", "--progress", "plain", "."], ["check"]]
    )
    func chain(_ command: [String]) async throws {
        try await BuildFixture.with { f in
            func peak(_ count: Int) async throws -> Int {
                let stages = (0..<count).map {
                    "FROM s\($0) AS s\($0 + 1)\nENV X\($0)=1 Y\($0)=2\nARG Z\($0)=3\nLABEL l\($0)=4\n"
                }
                // A stage that needs another one in the middle, too.
                let last = "FROM s\(count)\nCOPY --from=s\(count / 2) / /x\n"
                try f.write("Dockerfile", "FROM scratch AS s0\n" + stages.joined() + last)
                return try await f.peakMemory(command)
            }
            let (short, long) = (try await peak(200), try await peak(2_000))
            // With the square of it, these would be a hundred times as much.
            #expect(long < short + (200 << 10), "\(short) and \(long) KiB")
        }
    }

    @Test("the same step in two stages is done once", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func once() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base AS one
                RUN cat /proc/sys/kernel/random/uuid >/id; sleep 0.3
                FROM base AS two
                RUN cat /proc/sys/kernel/random/uuid >/id; sleep 0.3
                FROM scratch
                COPY --from=one /id /one
                COPY --from=two /id /two
                """
            )
            #expect(try image.text("/one") == image.text("/two"))
        }
    }

    @Test("a stage that fails stops the others", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func failure() async throws {
        try await BuildFixture.with(.all) { f in
            try await f.importBase()
            let clock = ContinuousClock()
            let time = try await clock.measure {
                let message = try await f.buildFailing(
                    """
                    FROM base AS slow
                    RUN sleep 60
                    FROM base AS broken
                    RUN sleep 0.2; exit 7
                    FROM scratch
                    COPY --from=slow / /
                    COPY --from=broken / /
                    """
                )
                #expect(message.contains("7"))
            }
            #expect(time < .seconds(10), "\(time)")
        }
    }

    @Test("a base of which nothing is run is not unpacked", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func notUnpacked() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "a")
            let image = try await f.build(
                "FROM base\nCOPY a /opt/a\nWORKDIR /opt/deep\nCOPY --from=base /etc/passwd /opt/"
            )
            #expect(try image.text("/opt/passwd").hasPrefix("root:"))
            let snapshots = f.store.appending("snapshots-v1").string
            #expect(try FileManager.default.contentsOfDirectory(atPath: snapshots) == [])
        }
    }

    @Test("FROM takes the start of an image ID, which may have no name")
    func fromID() async throws {
        try await BuildFixture.with { f in
            let id = try await f.succeed("-q", "-f", try f.dockerfile("FROM scratch\nENV A=1"), ".").line
            let short = String(id.dropFirst("sha256:".count).prefix(12))
            let image = try await f.build("FROM \(short)\nENV B=$A")
            #expect(image.environment.contains("B=1"))
            let missing = try await f.buildFailing("FROM 0000deadbeef\nENV B=$A")
            #expect(missing.contains("image `0000deadbeef:latest` is not in the store"))
        }
    }
}
