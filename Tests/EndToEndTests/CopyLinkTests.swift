internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("COPY --link")
struct CopyLinkTests {
    @Test("its layer is found again on another base, and what comes after is not")
    func otherBase() async throws {
        try await BuildFixture.with { f in
            try f.write("below", "one")
            try f.write("f", "linked")
            let text = "FROM scratch\nCOPY below /below\nCOPY --link --chown=1:2 f /x/f\nCOPY f /after"
            let first = try await f.build(text)
            try f.write("below", "two")
            let second = try await f.build(text)
            #expect(second.transcript.components(separatedBy: "Using cache").count == 2, "\(second.transcript)")
            #expect(first.layers[1] == second.layers[1])
            #expect(second.listing() == first.listing())
            #expect(try second.text("/below") == "two")
            // The same with something else below, and then the step that was built on the first.
            try f.write("below", "one")
            let third = try await f.build(text)
            #expect(third.id == first.id)
        }
    }

    @Test("a name of --chown is what it means in the stage, not in the layer found")
    func owners() async throws {
        try await BuildFixture.with { f in
            try f.write("f", "linked")
            for number in ["7", "8"] {
                try f.write("etc/passwd", "app:x:\(number):\(number)::/:/bin/sh\n")
                let image = try await f.build("FROM scratch\nCOPY etc /etc\nCOPY --link --chown=app f /f")
                #expect(image.listing("/f") == ["-644 \(number):\(number) /f"])
            }
        }
    }
}

@Suite("A store in the build context")
struct StoreInContextTests {
    @Test(
        "is never copied, which is said once",
        arguments: ["COPY . /x/\nCOPY . /y/", "COPY * /x/\nCOPY . /y/", "COPY --parents . /x/\nCOPY . /y/"]
    )
    func isLeftOut(lines: String) async throws {
        try await BuildFixture.with { f in
            try f.write("f", "f")
            try f.write("in/side", "s")
            for _ in 1...2 {
                let result = try await f.succeed(
                    "-f",
                    try f.dockerfile("FROM scratch\n" + lines),
                    "-o",
                    "type=tar,dest=\(f.scratch.appending("out.tar"))",
                    ".",
                    environment: ["SWIFTBUILD_ROOT": f.context.appending("in").appending("store").string]
                )
                #expect(result.errors.components(separatedBy: "the store lies in the build context").count == 2)
                let paths = try TarArchive.read(readFile(f.scratch.appending("out.tar"))).map(\.path)
                #expect(paths.contains("/y/in/side"))
                #expect(!paths.contains { $0.contains("store") }, "\(paths)")
            }
        }
    }

    @Test("cannot be named as a source")
    func asSource() async throws {
        try await BuildFixture.with { f in
            let result = try await f.swiftbuild(
                "-f",
                try f.dockerfile("FROM scratch\nCOPY store/oci-layout /x"),
                ".",
                environment: ["SWIFTBUILD_ROOT": f.context.appending("store").string]
            )
            #expect(result.status == 1)
            #expect(result.errors.contains("belongs to the store of this build"), "\(result)")
        }
    }
}
