internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("A build in the RUN of another one", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct NestedBuildTests {
    private static let places: [UnprivilegedPlace?] = [nil, .subordinateUsers, .singleUser, .defaultContainer]

    /// The binary with the libraries that it needs, below a directory of the context.
    private func copyBinary(_ f: BuildFixture) async throws {
        let listed = try await Machine.run(["ldd", Machine.binary.string], in: f.scratch)
        let libraries = listed.lines.compactMap { line in
            line.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("/") }.map { FilePath(String($0)) }
        }
        for file in libraries + [Machine.binary] {
            let target = f.context.appending("root").pushing(FilePath(root: nil, file.components))
            try FileManager.default.createDirectory(
                atPath: target.removingLastComponent().string,
                withIntermediateDirectories: true
            )
            if fileExists(target) { continue }
            let copied = try await Machine.run(["cp", "-L", file.string, target.string], in: f.scratch)
            try #require(copied.status == 0, "\(copied)")
        }
    }

    @Test("works where the outer one has any isolation but tracing", arguments: places)
    func nested(place: UnprivilegedPlace?) async throws {
        if let place, try await !place.isAvailable() {
            print("skipped: there is no isolation `\(place.name)` here")
            return
        }
        try await BuildFixture.with { f in
            try await copyBinary(f)
            try f.write("base.tar", bytes: try await BaseImage.shared.archive())
            try f.write("inner", "FROM base\nRUN mkdir /d && echo inner >/d/f && cp /d/f /d/g\nRUN rm /d/f\n")
            let file = try f.dockerfile(
                """
                FROM base
                COPY root /
                COPY base.tar inner /inner/
                ENV SWIFTBUILD_ROOT=/store
                RUN \(Machine.binary) import /inner/base.tar base && \\
                    timeout 60 \(Machine.binary) -t made -f /inner/inner /inner 2>/log; cat /log >&2; \\
                    \(Machine.binary) cat made:/d/g >/seen; rm -rf /store
                """
            )
            if let place {
                try await place.importBase(f)
                let result = try await place.run(f, ["-t", "outer", "-f", file, "."])
                try #require(result.status == 0, "\(result)")
                #expect(try await place.run(f, ["cat", "outer:/seen"]).outputText == "inner\n", "\(result)")
            } else {
                try await f.importBase()
                let result = try await f.succeed("-t", "outer", "-f", file, ".")
                #expect(try await f.succeed("cat", "outer:/seen").outputText == "inner\n", "\(result)")
            }
        }
    }
}
