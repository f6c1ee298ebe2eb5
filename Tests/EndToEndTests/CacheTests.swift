internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("The cache")
struct CacheTests {
    /// The steps that a transcript shows as cached, by number.
    static func cached(_ transcript: String) -> [Int] {
        // Where stages run at the same time, each line begins with its stage's name.
        var steps: [Substring: Int] = [:]
        var cached: [Int] = []
        for line in transcript.split(separator: "\n") {
            var stage: Substring = ""
            var text = line
            if line.hasPrefix("["), let end = line.firstRange(of: "] ") {
                stage = line[..<end.lowerBound]
                text = line[end.upperBound...]
            }
            if text.hasPrefix("Step "), let number = Int(text.dropFirst(5).prefix { $0 != "/" }) {
                steps[stage] = number
            }
            if text == " ---> Using cache" { cached.append(steps[stage] ?? 0) }
        }
        return cached.sorted()
    }

    private func touch(_ f: BuildFixture, _ path: String) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_234_567_890)],
            ofItemAtPath: f.context.pushing(FilePath(path)).string
        )
    }

    @Test("a new time of a file is a hit, a new content, mode or name a miss")
    func files() async throws {
        try await BuildFixture.with { f in
            let text = "FROM scratch\nCOPY d /d"
            try f.write("d/a", "content")
            try f.write("other", "not named by any instruction")
            let first = try await f.build(text)
            try touch(f, "d/a")
            try f.write("other", "changed")
            let touched = try await f.build(text)
            #expect(Self.cached(touched.transcript) == [2])
            #expect(touched.id == first.id)
            try f.write("d/a", "CONTENT")
            let changed = try await f.build(text)
            #expect(Self.cached(changed.transcript) == [])
            #expect(try changed.text("/d/a") == "CONTENT")
            try f.write("d/a", "CONTENT", mode: 0o755)
            #expect(Self.cached(try await f.build(text).transcript) == [])
            try f.write("d/b", "")
            #expect(Self.cached(try await f.build(text).transcript) == [])
            try f.remove("d/b")
            try f.write("d/a", "content", mode: 0o644)
            let back = try await f.build(text)
            #expect(Self.cached(back.transcript) == [2])
            #expect(back.id == first.id)
        }
    }

    @Test("a change that keeps size and time is seen at once")
    func racyChange() async throws {
        try await BuildFixture.with { f in
            let text = "FROM scratch\nCOPY a /a"
            for round in 0..<10 {
                try f.write("a", "content \(round)")
                try touch(f, "a")
                #expect(try await f.build(text).text("/a") == "content \(round)")
            }
        }
    }

    @Test("a changed LABEL, CMD, EXPOSE, ENTRYPOINT or VOLUME misses no later step")
    func metadata() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            func text(_ value: String) -> String {
                """
                FROM scratch
                LABEL l=\(value)
                CMD ["\(value)"]
                EXPOSE \(value)
                ENTRYPOINT ["\(value)"]
                VOLUME /\(value)
                COPY a /a
                """
            }
            _ = try await f.build(text("1"))
            let second = try await f.build(text("2"))
            #expect(Self.cached(second.transcript).contains(7))
            #expect(second.config["Labels"]["l"] == "2")
        }
    }

    @Test(
        "a changed ARG misses the next RUN even if unused, and nothing before it",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func arguments() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = "FROM base\nRUN echo first\nARG V=1\nRUN echo second\nARG UNUSED"
            _ = try await f.build(text)
            let other = try await f.build(text, "--build-arg", "V=2")
            #expect(Self.cached(other.transcript).contains(2))
            #expect(!Self.cached(other.transcript).contains(4))
            let last = try await f.build(text, "--build-arg", "V=2", "--build-arg", "UNUSED=3")
            #expect(Self.cached(last.transcript).contains(4))
        }
    }

    @Test(
        "proxy arguments reach RUN in both cases, and neither cache key nor history",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func proxies() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = "FROM base\nRUN echo \"[$HTTP_PROXY $http_proxy]\" >/proxy"
            let image = try await f.build(text, "--build-arg", "HTTP_PROXY=p1")
            #expect(try image.text("/proxy") == "[p1 p1]\n")
            #expect(!image.environment.contains { $0.lowercased().hasPrefix("http_proxy") })
            #expect(!"\(image.configuration)".contains("p1"))
            let other = try await f.build(text, "--build-arg", "HTTP_PROXY=p2")
            #expect(Self.cached(other.transcript) == [2])
            #expect(other.id == image.id)
        }
    }

    @Test(
        "COPY --from is by content: a stage that ran again and gave the same files is a hit",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func copyFromStage() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            func text(_ comment: String) -> String {
                "FROM base AS one\nRUN echo same >/result; : \(comment)\nFROM scratch\nCOPY --from=one /result /r"
            }
            let first = try await f.build(text("a"))
            let second = try await f.build(text("b"))
            #expect(!Self.cached(second.transcript).contains(2))
            #expect(Self.cached(second.transcript).contains(4))
            #expect(second.id == first.id)
        }
    }

    @Test("--no-cache uses nothing, and stores what it made", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func noCache() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = "FROM base\nRUN cat /proc/sys/kernel/random/uuid >/id"
            let first = try await f.build(text)
            let second = try await f.build(text, "--no-cache")
            #expect(Self.cached(second.transcript) == [])
            #expect(try second.text("/id") != first.text("/id"))
            let third = try await f.build(text)
            #expect(Self.cached(third.transcript) == [2])
            #expect(third.id == second.id)
        }
    }

    @Test(
        "another base is a miss, the same base under another name a hit",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func bases() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("one")
            try await f.succeed("tag", "one", "two:tagged")
            _ = try await f.build("FROM one\nRUN echo x")
            #expect(Self.cached(try await f.build("FROM two:tagged\nRUN echo x").transcript) == [2])
            _ = try await f.build("FROM one\nWORKDIR /new", "-t", "two:tagged")
            #expect(!Self.cached(try await f.build("FROM two:tagged\nRUN echo x").transcript).contains(2))
        }
    }

    @Test("a damaged layer is a miss and never a wrong image")
    func damage() async throws {
        try await BuildFixture.with { f in
            try f.write("a", String(repeating: "content ", count: 1000))
            let text = "FROM scratch\nCOPY a /a"
            let first = try await f.build(text)
            let layer = try #require(first.configuration["rootfs"]["diff_ids"][0].text).dropFirst("sha256:".count)
            let blob = f.store.appending("blobs").appending("sha256").appending(String(layer))
            try FileManager.default.removeItem(atPath: blob.string)
            let second = try await f.build(text)
            #expect(second.configuration["rootfs"] == first.configuration["rootfs"])
            #expect(try second.text("/a").hasPrefix("content "))
        }
    }
}
