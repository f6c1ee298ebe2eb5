internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("df, prune and doctor", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct StoreUpkeepTests {
    private static let text = """
        FROM base
        COPY a /a
        RUN --mount=type=cache,target=/c head -c 300000 /dev/zero >/c/x; head -c 500000 /dev/zero >/b
        """

    private func json(_ f: BuildFixture, _ arguments: String...) async throws -> JSON {
        let result = try await f.start(arguments).wait()
        return try JSONDecoder().decode(JSON.self, from: Data(result.output))
    }

    private func diskUsage(_ f: BuildFixture) async throws -> Int {
        let result = try await Machine.run(["du", "-s", "--block-size=1", f.store.string], in: f.scratch)
        return try #require(Int(result.outputText.prefix { $0.isNumber }))
    }

    @Test("df counts what du counts, and what it calls reclaimable is what prune --all frees")
    func usage() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", String(repeating: "a", count: 100_000))
            _ = try await f.build(Self.text)
            let document = try await json(f, "df", "--format", "json")
            #expect(document["total"].integer == (try await diskUsage(f)))
            let rows = document["rows"].elements
            func row(_ kind: String) -> JSON { rows.first { $0["kind"].text == kind } ?? .null }
            #expect(row("images")["count"].integer == 2)
            #expect(row("layers")["count"].integer == 3)
            #expect(row("step results")["count"].integer == 2)
            #expect(row("cache mounts")["count"].integer == 1)
            #expect(row("cache mounts")["size"].integer ?? 0 >= 300_000)
            #expect(row("unpacked layers")["reclaimable"].integer == row("unpacked layers")["size"].integer)
            #expect(rows.map { $0["size"].integer ?? 0 }.reduce(0, +) == document["total"].integer)
            let table = try await f.succeed("df").outputText
            #expect(table.hasPrefix("TYPE") && table.contains("Step results"))

            let before = try await diskUsage(f)
            let dry = try await f.succeed("prune", "--all", "--dry-run").outputText
            #expect(try await diskUsage(f) == before)
            let real = try await f.succeed("prune", "--all").outputText
            #expect(
                dry.replacing("Would delete", with: "Deleted").replacing("Reclaimable", with: "Total reclaimed") == real
            )
            #expect(before - (try await diskUsage(f)) == document["reclaimable"].integer)
            let after = try await json(f, "df", "--format", "json")
            #expect(after["reclaimable"].integer == 0)
        }
    }

    @Test("prune --older-than takes what no build used since, and leaves what one did")
    func age() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            try f.write("b", "1")
            _ = try await f.build("FROM scratch\nCOPY a /a\nCOPY b /b")
            let cache = f.store.appending("cache-v1").string
            let old = Date(timeIntervalSinceNow: -7200)
            func age() throws {
                for directory in ["cache-v1", "images-v1", "fingerprints-v1"] {
                    let path = f.store.appending(directory).string
                    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                        try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: "\(path)/\(name)")
                    }
                }
            }
            try age()
            // The record of this build says that its results were used now.
            try await f.succeed("prune", "--older-than", "1h")
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 2)
            // Without records of builds the files tell.
            try FileManager.default.removeItem(atPath: f.store.appending("builds-v1").string)
            try f.write("b", "2")
            _ = try await f.build("FROM scratch\nCOPY a /a\nCOPY b /b")
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 3)
            let listed = try await f.succeed("prune", "--filter", "until=1h").outputText
            #expect(listed.contains("Deleted: 1 step result,"), "\(listed)")
            #expect(listed.contains("Deleted: sha256:"), "\(listed)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 2)
            let again = try await f.build("FROM scratch\nCOPY a /a\nCOPY b /b")
            #expect(again.transcript.components(separatedBy: "Using cache").count == 3, "\(again.transcript)")
        }
    }

    @Test("prune --keep-storage removes what was not used for longest, and no more than is needed")
    func budget() async throws {
        try await BuildFixture.with { f in
            for name in ["a", "b", "c"] {
                try f.write(
                    name,
                    bytes: (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ Int(name.utf8.first!)) }
                )
                _ = try await f.build("FROM scratch\nCOPY \(name) /\(name)")
                try await f.succeed("rmi", "-f", "image-under-test")
                try await f.succeed("prune")
            }
            let before = try await diskUsage(f)
            try await f.succeed("prune", "--keep-storage", "\(before - 1000)")
            let after = try await diskUsage(f)
            #expect(after <= before - 1000 && after > before - 600_000)
            #expect(try await f.build("FROM scratch\nCOPY c /c").transcript.contains("Using cache"))
            #expect(try await f.build("FROM scratch\nCOPY b /b").transcript.contains("Using cache"))
            #expect(!(try await f.build("FROM scratch\nCOPY a /a").transcript.contains("Using cache")))
            // More than any disk has.
            try await f.succeed("rmi", "-f", "image-under-test")
            try await f.succeed("prune", "--min-free", "1000000TB")
            #expect(try FileManager.default.contentsOfDirectory(atPath: f.store.appending("cache-v1").string).isEmpty)
            for wrong in [["--keep-storage", "many"], ["--older-than", "soon"], ["--filter", "label=x"]] {
                let result = try await f.start(["prune"] + wrong).wait()
                #expect(result.status == 2 && result.errors.contains("error: "), "\(result)")
            }
        }
    }

    @Test("doctor --repair drops what is damaged, so that the next build makes it again")
    func repair() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "content")
            // Another layer each time, also within one second.
            let text = "FROM base\nCOPY a /a\nRUN cp /a /b; cat /proc/sys/kernel/random/uuid > /id"
            let image = try await f.build(text, "-t", "kept")
            #expect(try await f.succeed("doctor").outputText.contains("in order"))
            func damage(_ path: FilePath) throws {
                let descriptor = try FileDescriptor.open(path, .readWrite)
                defer { try? descriptor.close() }
                _ = try descriptor.writeAll(toAbsoluteOffset: 600, [0xFF, 0xFE])
            }
            let layer = try #require(image.configuration["rootfs"]["diff_ids"].strings.last)
            let hex = String(layer.dropFirst("sha256:".count))
            try damage(f.store.pushing(FilePath("blobs/sha256/\(hex)")))
            try damage(f.store.pushing(FilePath("layers-v1/\(hex)")))
            let cache = f.store.appending("cache-v1")
            for name in try FileManager.default.contentsOfDirectory(atPath: cache.string) {
                try damage(cache.appending(name))
            }
            let found = try await json(f, "doctor", "--format", "json")
            #expect(found["findings"].elements.contains { $0["text"].text?.contains("damaged indexes") ?? false })
            let repaired = try await f.succeed("doctor", "--repair").outputText
            #expect(repaired.contains("removed 1 damaged blobs"), "\(repaired)")
            #expect(repaired.contains("`image-under-test:latest` cannot be used"), "\(repaired)")
            _ = try await f.build(text, "-t", "kept")
            let after = try await f.succeed("doctor", "--repair").outputText
            #expect(after.contains("removed 1 incomplete images without a name"), "\(after)")
            #expect(!after.contains("damaged") && !after.contains("cannot be used"), "\(after)")
            #expect(try await f.build(text).text("/b") == "content")
        }
    }

    @Test("doctor ends with 3 where the store cannot be written")
    func noStore() async throws {
        try await BuildFixture.with { f in
            try f.write("file", "")
            let result = try await f.swiftbuild("doctor", "--root", "file/store", "--format", "json")
            #expect(result.status == 3, "\(result)")
            let document = try JSONDecoder().decode(JSON.self, from: Data(result.output))
            #expect(
                document["findings"].elements.contains { $0["level"].text == "error" && $0["subject"].text == "store" }
            )
        }
    }
}
