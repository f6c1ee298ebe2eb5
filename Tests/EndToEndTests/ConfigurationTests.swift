internal import Testing

@Suite("The image's configuration")
struct ConfigurationTests {
    @Test("FROM scratch has the default PATH, / as directory, and no layer")
    func scratch() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build("FROM scratch\nLABEL a=b")
            #expect(image.environment == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
            #expect(image.layers.isEmpty)
            #expect(image.configuration["os"] == "linux")
            #expect(image.configuration["rootfs"]["diff_ids"] == [])
        }
    }

    @Test("ENTRYPOINT clears an inherited CMD, but not one of its own stage")
    func entrypoint() async throws {
        try await BuildFixture.with { f in
            let inherited = try await f.build(#"FROM scratch AS a\#nCMD ["c"]\#nFROM a\#nENTRYPOINT ["e"]"#)
            #expect(inherited.config["Cmd"].elements.isEmpty)
            #expect(inherited.config["Entrypoint"] == ["e"])
            let own = try await f.build(#"FROM scratch\#nCMD ["c"]\#nENTRYPOINT ["e"]"#)
            #expect(own.config["Cmd"] == ["c"])
            let shell = try await f.build("FROM scratch\nSHELL [\"/bin/ash\", \"-e\"]\nCMD a b")
            #expect(shell.config["Cmd"] == ["/bin/ash", "-e", "a b"])
            #expect(shell.config["Shell"] == ["/bin/ash", "-e"])
        }
    }

    @Test("WORKDIR joins, makes directories owned by USER, leaves existing ones, and makes a layer except for /")
    func workingDirectory() async throws {
        try await BuildFixture.with { f in
            try f.write("d/keep")
            try f.makeDirectory("d", mode: 0o700)
            let image = try await f.build(
                """
                FROM scratch
                COPY --chmod=711 d /existing
                WORKDIR /
                USER 12:34
                WORKDIR /existing
                WORKDIR made/deep
                WORKDIR ../other/
                """
            )
            #expect(
                image.listing().filter { !$0.contains("keep") } == [
                    "d711 0:0 /existing", "d755 12:34 /existing/made", "d755 12:34 /existing/made/deep",
                    "d755 12:34 /existing/made/other",
                ]
            )
            #expect(image.config["WorkingDir"] == "/existing/made/other")
            #expect(image.config["User"] == "12:34")
            #expect(image.layers.count == 4)
            let absolute = try await f.build("FROM scratch\nUSER 12\nWORKDIR /a/")
            #expect(absolute.config["WorkingDir"] == "/a/")
            #expect(absolute.listing() == ["d755 12:12 /a"])
            try await f.buildFailing("FROM scratch\nCOPY d/keep /file\nWORKDIR /file")
        }
    }

    @Test("EXPOSE splits after expansion, expands ranges, lower-cases protocols and rejects unknown ones")
    func expose() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build("FROM scratch\nENV P=\"80 443/TCP\"\nEXPOSE $P 8000-8002/udp 1.2.3.4:5000:53")
            #expect(
                image.config["ExposedPorts"].keys == [
                    "80/tcp", "443/tcp", "8000/udp", "8001/udp", "8002/udp", "53/tcp",
                ]
            )
            try await f.buildFailing("FROM scratch\nEXPOSE 80/http")
        }
    }

    @Test("VOLUME, STOPSIGNAL, HEALTHCHECK, MAINTAINER and LABEL are recorded; --label wins")
    func metadata() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                """
                FROM scratch
                MAINTAINER someone
                VOLUME /data ["x"
                VOLUME ["/a b", "/c"]
                STOPSIGNAL SIGUSR1
                HEALTHCHECK --interval=5s --retries=3 CMD check it
                LABEL a=1 "b c"="d e" legacy=
                LABEL f the rest
                """,
                "--label",
                "a=2"
            )
            #expect(image.configuration["author"] == "someone")
            #expect(image.config["Volumes"].keys.isSuperset(of: ["/data", "/a b", "/c"]))
            #expect(image.config["StopSignal"] == "SIGUSR1")
            #expect(image.config["Healthcheck"]["Test"] == ["CMD-SHELL", "check it"])
            #expect(image.config["Healthcheck"]["Interval"].integer == 5_000_000_000)
            #expect(image.config["Healthcheck"]["Retries"].integer == 3)
            #expect(image.config["Labels"]["a"] == "2")
            #expect(image.config["Labels"]["b c"] == "d e")
            #expect(image.config["Labels"]["f"] == "the rest")
            #expect(image.layers.isEmpty)
        }
    }

    @Test("ONBUILD fires right after FROM, for stages of the same file too, and is then gone")
    func onBuild() async throws {
        try await BuildFixture.with { f in
            try f.write("file", "text")
            let image = try await f.build(
                """
                FROM scratch AS base
                ONBUILD COPY file /from-trigger
                ONBUILD ENV T=trigger
                FROM base AS child
                LABEL t=$T
                FROM child
                LABEL grandchild=yes
                """
            )
            #expect(try image.text("/from-trigger") == "text")
            #expect(image.config["Labels"]["t"] == "trigger")
            #expect(image.config["OnBuild"].elements.isEmpty)
            #expect(image.layers.count == 1)
            let stored = try await f.build("FROM scratch\nONBUILD COPY file /x\nONBUILD LABEL a=b")
            #expect(stored.config["OnBuild"] == ["COPY file /x", "LABEL a=b"])
            try await f.succeed("tag", "image-under-test", "with-triggers")
            let used = try await f.build("FROM with-triggers\nLABEL c=d")
            #expect(try used.text("/x") == "text")
            #expect(used.config["Labels"]["a"] == "b")
            try await f.buildFailing("FROM scratch\nONBUILD ONBUILD LABEL a=b")
            try await f.buildFailing("FROM scratch\nONBUILD FROM scratch")
        }
    }

    @Test("history has an entry for each instruction, those without a layer marked")
    func history() async throws {
        try await BuildFixture.with { f in
            try f.write("a")
            let image = try await f.build("FROM scratch\nCOPY a /a\nLABEL x=y\nWORKDIR /w")
            let history = image.configuration["history"].elements
            #expect(history.map { $0["empty_layer"] == .boolean(true) } == [false, true, false])
            #expect(history.first?["created_by"].text?.contains("COPY a /a") == true)
            let table = try await f.succeed("history", "image-under-test").outputText
            #expect(table.contains("LABEL"))
            #expect(table.contains("WORKDIR /w"))
        }
    }

    @Test("--platform is recorded")
    func platform() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                "FROM scratch\nARG TARGETPLATFORM\nARG TARGETARCH\nLABEL p=$TARGETPLATFORM a=$TARGETARCH",
                "--platform",
                "linux/arm64"
            )
            #expect(image.configuration["architecture"] == "arm64")
            #expect(image.config["Labels"]["p"] == "linux/arm64")
            #expect(image.config["Labels"]["a"] == "arm64")
        }
    }
}
