internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("--progress json")
struct EventsTests {
    private static let schema = Result {
        try JSONSchema(Machine.repository.appending("docs").appending("events.schema.json"))
    }

    /// The lines, each of which has to be as the schema says.
    private func events(_ result: CommandResult, sourceLocation: SourceLocation = #_sourceLocation) throws -> [JSON] {
        let schema = try Self.schema.get()
        return try result.errors.split(separator: "\n").map { line in
            let event = try JSONDecoder().decode(JSON.self, from: Data(line.utf8))
            #expect(schema.problems(event) == [], "\(line)", sourceLocation: sourceLocation)
            return event
        }
    }

    private func names(_ events: [JSON]) -> [String] { events.compactMap { $0["event"].text } }

    @Test("writes events as docs/events.schema.json says, of builds that succeed, miss and fail")
    func builds() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            try f.write("base/Dockerfile", "FROM scratch\nONBUILD COPY a /trigger\n")
            try await f.succeed("-t", "parent", "base")
            let text = "FROM scratch AS One\nCOPY a /a\nFROM parent\nCOPY --from=one /a /b\nMAINTAINER me\n"
            let archive = f.scratch.appending("out.tar").string
            let flags = [
                "--progress", "json", "--explain", "--build-arg", "NONE=1", "-t", "t", "-o", "type=oci,dest=\(archive)",
            ]
            func build(_ text: String, status: Int32 = 0, _ more: String...) async throws -> [JSON] {
                let path = f.scratch.appending("Dockerfile")
                try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
                let result = try await f.start(["build", "-f", path.string] + flags + more + [f.context.string]).wait()
                #expect(result.status == status, "\(result)")
                return try events(result)
            }
            let first = try await build(text)
            let seen = Set(names(first))
            #expect(
                seen.isSuperset(of: [
                    "planned", "started", "explained", "finished", "warning", "note", "built", "tagged", "exported",
                ]),
                "\(seen)"
            )
            #expect(first.contains { $0["step"].integer == 0 && $0["instruction"].text == "COPY a /trigger" })
            let second = try await build(text)
            #expect(!names(second).contains("explained"))
            #expect(second.filter { $0["outcome"].text == "cached" }.count == 4)
            #expect(names(second).filter { $0 == "started" }.count == names(second).filter { $0 == "finished" }.count)

            let wrong = try await build("FROM scratch\nCOPI a\n", status: 1)
            #expect(names(wrong) == ["error"] && wrong[0]["line"].integer == 2 && wrong[0]["status"].integer == 1)
            #expect(wrong[0]["hints"].strings.isEmpty == false || wrong[0]["message"].text?.contains("COPI") == true)
            let missing = try await build("FROM scratch\nCOPY none /\n", status: 1)
            #expect(names(missing).suffix(2) == ["failed", "error"])
            try f.write("a", "2")
            let refused = try await build(text, status: 4, "--expect-cached")
            #expect(refused.last?["status"].integer == 4)
            #expect(refused.last?["hints"].strings.contains { $0.contains("content  /") } == true)
            let pulled = try await build("FROM 127.0.0.1:1/none\n", status: 1)
            #expect(pulled.last?["event"].text == "error")
        }
    }

    @Test(
        "keeps characters whole that a process writes in pieces, and loses no byte of others",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func output() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = """
                FROM base
                RUN printf 'a\\303'; sleep 0.2; printf '\\244b\\n'; printf 'bad \\377 end\\360\\237' >&2
                RUN exit 3
                """
            let events = try events(await f.rebuild(text, "--progress", "json", status: 1))
            func output(_ stream: String) -> String {
                events.filter { $0["stream"].text == stream }.compactMap { $0["data"].text }.joined()
            }
            #expect(output("stdout") == "aäb\n")
            #expect(output("stderr") == "bad \u{FFFD} end\u{FFFD}")
            #expect(names(events).contains("running"))
            #expect(events.last?["message"].text?.contains("exit 3` failed with exit code 3") == true)
        }
    }

    @Test(
        "tells what a step waits for before it is started, and counts no waiting as work",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func waiting() async throws {
        try await BuildFixture.with(.all) { f in
            try await f.importBase()
            let text = """
                FROM base AS slow
                RUN sleep 1; echo 1 >/slow
                FROM slow AS on-top
                RUN true
                FROM base
                COPY --from=slow /slow /a
                RUN --mount=from=on-top,target=/m true
                """
            let metadata = f.scratch.appending("metadata").string
            let all = try events(await f.rebuild(text, "--progress", "json", "--metadata-file", metadata))
            for instruction in ["COPY", "FROM slow"] {
                let waits = all.filter { event in
                    event["event"].text == "waiting" && event["instruction"].text?.hasPrefix(instruction) == true
                }
                guard waits.count == 1 else { throw TestFailure("\(instruction): \(all)") }
                #expect(waits[0]["for"].strings == ["slow"], "\(instruction)")
                let order = all.filter { $0["stage"] == waits[0]["stage"] && $0["step"] == waits[0]["step"] }
                #expect(names(order) == ["waiting", "started", "finished"])
                #expect(order.last?["seconds"].decimal ?? 9 < 0.9, "\(order)")
            }
            let document = try JSONDecoder().decode(JSON.self, from: Data(try readFile(FilePath(metadata))))
            let steps = document["swiftbuild.build"]["steps"].elements
            func step(_ instruction: String) -> JSON {
                steps.first { $0["instruction"].text?.hasPrefix(instruction) == true } ?? .null
            }
            let (copy, slow) = (step("COPY"), step("RUN sleep"))
            #expect(copy["waitedFor"].strings == ["slow"])
            #expect(copy["waited"].decimal ?? 0 > 0.5 && copy["seconds"].decimal ?? 9 < 0.9)
            #expect(slow["waited"] == .null && slow["seconds"].decimal ?? 0 >= 1)
            #expect(try await f.succeed("explain").outputText.contains(" of waiting for slow)"))
            let page = try await f.succeed("report").outputText
            #expect(page.contains("class=\"bar wait\"") && page.contains(" of waiting for slow<"))
        }
    }

    @Test(
        "tells that a step waits for its turn where --jobs allows no more at once",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func turns() async throws {
        try await BuildFixture.with(.all) { f in
            try await f.importBase()
            let text = """
                FROM base AS one
                RUN sleep 1; echo 1 >/f
                FROM base AS two
                RUN sleep 1; echo 2 >/f
                FROM scratch
                COPY --from=one /f /1
                COPY --from=two /f /2
                """
            let all = try events(await f.rebuild(text, "--progress", "json", "--jobs", "1"))
            let turns = all.filter { $0["event"].text == "waiting" && $0["for"].strings.isEmpty }
            guard let turn = turns.first else { throw TestFailure("no step waits for its turn: \(all)") }
            let same = all.filter { $0["stage"] == turn["stage"] && $0["step"] == turn["step"] }
            #expect(names(same) == ["started", "waiting", "resumed", "running", "finished"], "\(same)")
            #expect(same.last?["seconds"].decimal ?? 9 < 1.9, "\(same)")
        }
    }

    @Test("tells how far a large copy is, and nothing of a small one", arguments: [(1 << 20, 0), (40 << 20, 4)])
    func copies(_ size: Int, _ least: Int) async throws {
        try await BuildFixture.with { f in
            try f.write("large", bytes: [UInt8](repeating: 7, count: size))
            try f.write("Dockerfile", "FROM scratch\nCOPY large /large\n")
            let events = try events(await f.succeed("--progress", "json", "."))
            let written = events.filter { $0["event"].text == "written" }.compactMap { $0["bytes"].integer }
            #expect(written.count >= least && written.count <= size >> 23, "\(written)")
            #expect(written == written.sorted() && Set(written).count == written.count)
            #expect(written.allSatisfy { $0 <= size + (1 << 20) })
        }
    }

    @Test(
        "writes pulls and pushes as the schema says",
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)")
    )
    func transfers() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try f.write("a", "1")
                try f.write("Dockerfile", "FROM scratch\nCOPY a /a\n")
                let name = "\(registry.host)/pushed:1"
                let pushed = try events(await f.succeed("--progress", "json", "--push", "-t", name, "."))
                #expect(Set(names(pushed)).isSuperset(of: ["push", "layer", "exported"]))
                try await f.succeed("rmi", name)
                try await f.succeed("prune", "--all")
                try f.write("Dockerfile", "FROM \(name)\nCOPY a /b\n")
                let pulled = try events(await f.succeed("--progress", "json", "."))
                #expect(Set(names(pulled)).isSuperset(of: ["pull", "layer", "built"]))
            }
        }
    }

    @Test("has a schema that refuses what is not there, and a document that names all events")
    func schema() throws {
        let schema = try Self.schema.get()
        func problems(_ text: String) throws -> [String] {
            schema.problems(try JSONDecoder().decode(JSON.self, from: Data(text.utf8)))
        }
        #expect(try problems(#"{"event":"tagged","name":"a"}"#) == [])
        for wrong in [
            #"{"event":"tagged"}"#, #"{"event":"tagged","name":1}"#, #"{"event":"tagged","name":"a","more":1}"#,
            #"{"event":"none"}"#, #"{"event":"planned","stages":-1,"total":1}"#,
            #"{"event":"planned","stages":1.5,"total":1}"#,
            #"{"event":"built","id":"sha256:00"}"#,
            #"{"event":"explained","stage":"0","step":1,"total":1,"reasons":[{"kind":"none"}]}"#,
            #"{"event":"explained","stage":"0","step":1,"total":1,"reasons":[]}"#, "[]", "1",
        ] {
            #expect(try problems(wrong) != [], "\(wrong)")
        }
        let text = String(
            decoding: try readFile(Machine.repository.appending("docs").appending("events.md")),
            as: UTF8.self
        )
        let source = try JSONDecoder().decode(
            JSON.self,
            from: Data(try readFile(Machine.repository.appending("docs").appending("events.schema.json")))
        )
        let documented = source["oneOf"].elements.compactMap { $0["properties"]["event"]["const"].text }
        #expect(documented.count == 19)
        for event in documented { #expect(text.contains("| `\(event)` |"), "\(event)") }
    }
}
