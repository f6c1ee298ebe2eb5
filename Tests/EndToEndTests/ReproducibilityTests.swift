internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("The same content gives the same image")
struct ReproducibilityTests {
    private static let text = """
        FROM base AS build
        WORKDIR /src
        COPY . .
        RUN cat */* >/result && mkdir -p /out/a/b && ln /result /out/hard && ln -s a /out/link
        FROM scratch
        ARG SOURCE_DATE_EPOCH
        WORKDIR /app
        COPY --from=build /out ./
        COPY . /context/
        COPY <<EOF /epoch
        $SOURCE_DATE_EPOCH
        EOF
        LABEL a=b
        """

    private static let names = (0..<40).map { "d\($0 % 7)/f\($0 * 7919 % 101)" }

    /// Builds in a store of its own, of files that were made in a certain order, at a certain time, under an umask.
    private func build(
        order names: [String],
        time: Double,
        umask mask: String,
        _ flags: [String],
        environment: [String: String] = [:]
    ) async throws -> (id: String, manifest: String) {
        var result = ("", "")
        try await BuildFixture.with { f in
            // The same modes, whatever the umask.
            for name in names { try f.write(name, "content of \(name)") }
            let paths = try FileManager.default.subpathsOfDirectory(atPath: f.context.string)
            for path in paths + ["."] {
                let full = f.context.pushing(FilePath(path)).string
                if !path.contains("f") { chmod(full, 0o755) }
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: time)],
                    ofItemAtPath: full
                )
            }
            try await f.succeed(
                "import",
                "-",
                "base",
                environment: ["SOURCE_DATE_EPOCH": "1000000000"],
                input: try await BaseImage.shared.archive()
            )
            let file = f.scratch.appending("metadata")
            let build = try RunningCommand(
                ["sh", "-c", "umask \(mask); exec \"$@\"", "sh", Machine.binary.string, "build"] + flags
                    + ["-t", "image", "-f", try f.dockerfile(Self.text), "--metadata-file", file.string, "."],
                environment: f.environment.merging(environment) { $1 },
                directory: f.context,
                logs: f.scratch
            )
            let ended = try await build.wait()
            try #require(ended.status == 0, "\(ended)")
            let metadata = try JSONDecoder().decode(JSON.self, from: Data(try readFile(file)))
            result = (
                metadata["containerimage.config.digest"].text ?? "", metadata["containerimage.digest"].text ?? ""
            )
        }
        return result
    }

    @Test(
        "in two stores, orders of files, umasks and at two times, given SOURCE_DATE_EPOCH in any of the ways",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func sameDigests() async throws {
        let epoch = "1500000000"
        let first = try await build(
            order: Self.names,
            time: 1_600_000_000,
            umask: "022",
            [],
            environment: ["SOURCE_DATE_EPOCH": epoch]
        )
        // Time is the subject: what is made carries full seconds.
        try await Task.sleep(for: .milliseconds(1100))
        let others = [
            try await build(
                order: Self.names.reversed(),
                time: 1_700_000_000,
                umask: "077",
                ["--build-arg", "SOURCE_DATE_EPOCH=\(epoch)", "--jobs", "1"]
            ),
            try await build(order: Self.names.sorted(), time: 1_500_000_001, umask: "000", ["--timestamp", epoch]),
        ]
        for other in others {
            #expect(other.id == first.id)
            #expect(other.manifest == first.manifest)
        }
        // Without it the times differ, so this test can fail.
        let free = try await build(order: Self.names, time: 1_600_000_000, umask: "022", [])
        #expect(free.id != first.id)
    }

    @Test("no file and no time of the image is newer than SOURCE_DATE_EPOCH, and older ones stay as they are")
    func clamping() async throws {
        try await BuildFixture.with { f in
            try f.write("old", "old")
            try f.write("new", "new")
            for (name, time) in [("old", 1_000_000_000.0), ("new", 1_700_000_000.0)] {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: time)],
                    ofItemAtPath: f.context.appending(name).string
                )
            }
            let image = try await f.build(
                "FROM scratch\nWORKDIR /made\nCOPY old new ./\nCOPY <<f /\nf\nLABEL a=b",
                environment: ["SOURCE_DATE_EPOCH": "1500000000"]
            )
            #expect(
                image.tree.mapValues(\.modified) == [
                    "/made": 1_500_000_000, "/made/old": 1_000_000_000, "/made/new": 1_500_000_000,
                    "/f": 1_500_000_000,
                ]
            )
            #expect(image.configuration["created"] == "2017-07-14T02:40:00Z")
            for entry in image.configuration["history"].elements {
                #expect(entry["created"] == "2017-07-14T02:40:00Z")
            }
        }
    }

    @Test("a SOURCE_DATE_EPOCH that is no time is refused", arguments: ["-1", "x", "99999999999", "1.5"])
    func invalid(text: String) async throws {
        try await BuildFixture.with { f in
            let file = try f.dockerfile("FROM scratch\nWORKDIR /w")
            let result = try await f.swiftbuild("-f", file, ".", environment: ["SOURCE_DATE_EPOCH": text])
            // A word might have been the name of a stage, which only the Dockerfile tells.
            #expect(result.status == (text == "x" ? 1 : 2) && result.errors.contains("SOURCE_DATE_EPOCH"), "\(result)")
        }
    }

    @Test("the last SOURCE_DATE_EPOCH that there is can be built with")
    func latest() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build("FROM scratch\nWORKDIR /w", "--source-date-epoch", "9223372036")
            #expect(image.configuration["created"].text?.hasPrefix("2262-04-11T") == true)
        }
    }
}
