internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("COPY")
struct CopyTests {
    @Test(
        "a directory's contents are copied, not the directory; the new directory is 0755, nested ones keep their mode"
    )
    func directory() async throws {
        try await BuildFixture.with { f in
            try f.write("d/a", "a", mode: 0o600)
            try f.write("d/sub/b", "b", mode: 0o755)
            try f.makeDirectory("d", mode: 0o700)
            try f.makeDirectory("d/sub", mode: 0o750)
            let image = try await f.build("FROM scratch\nCOPY d /new")
            #expect(
                image.listing() == [
                    "d755 0:0 /new", "-600 0:0 /new/a", "d750 0:0 /new/sub", "-755 0:0 /new/sub/b",
                ]
            )
        }
    }

    @Test("an existing directory keeps its mode; nested existing ones take the source's")
    func existingDirectory() async throws {
        try await BuildFixture.with { f in
            try f.write("one/sub/a", "a")
            try f.makeDirectory("one/sub", mode: 0o700)
            try f.write("two/sub/b", "b")
            try f.makeDirectory("two", mode: 0o711)
            try f.makeDirectory("two/sub", mode: 0o751)
            let image = try await f.build("FROM scratch\nCOPY --chmod=700 one /x\nCOPY two /x")
            #expect(image.tree["/x"]?.listing == "d700 0:0 /x")
            #expect(image.tree["/x/sub"]?.listing == "d751 0:0 /x/sub")
            #expect(image.tree.keys.sorted() == ["/x", "/x/sub", "/x/sub/a", "/x/sub/b"])
        }
    }

    @Test("wildcards merge the contents of directories, match dot files and stop at a slash")
    func wildcards() async throws {
        try await BuildFixture.with { f in
            try f.write("dir/x", "x")
            try f.write("earth/y", "y")
            try f.write("f", "not matched")
            try f.write(".hidden", "h")
            try f.write("dir/deep/z", "z")
            let classes = try await f.build("FROM scratch\nCOPY [de]* /x/")
            #expect(classes.tree.keys.sorted() == ["/x", "/x/deep", "/x/deep/z", "/x/x", "/x/y"])
            let star = try await f.build("FROM scratch\nCOPY * /x/")
            #expect(star.tree.keys.sorted() == ["/x", "/x/.hidden", "/x/deep", "/x/deep/z", "/x/f", "/x/x", "/x/y"])
            let nested = try await f.build("FROM scratch\nCOPY */* /x/")
            #expect(nested.tree.keys.sorted() == ["/x", "/x/x", "/x/y", "/x/z"])
            let literal = try await f.build("FROM scratch\nCOPY [.]hidden /h")
            #expect(literal.tree.keys.sorted() == ["/h"])
        }
    }

    @Test("a wildcard that matches nothing gives a layer without entries; a plain source must exist")
    func nothingMatched() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build("FROM scratch\nCOPY *.nothing /x/")
            #expect(image.layers.count == 1)
            #expect(image.tree.isEmpty)
            try await f.buildFailing("FROM scratch\nCOPY nothing /x")
        }
    }

    @Test("an empty destination is the working directory")
    func emptyDestination() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            let image = try await f.build("FROM scratch\nWORKDIR /w\nCOPY a $UNSET")
            #expect(try image.text("/w/a") == "a")
        }
    }

    @Test("a source that is a symbolic link to nothing is named as that")
    func danglingSource() async throws {
        try await BuildFixture.with { f in
            try f.link("lost", to: "no/where")
            let message = try await f.buildFailing("FROM scratch\nCOPY lost /x")
            #expect(message.contains("`lost` is a symbolic link to `no/where`"))
            #expect(!message.contains("did you mean"))
        }
    }

    @Test("a source that is a symbolic link is followed inside the context; links inside a tree are kept")
    func sourceLinks() async throws {
        try await BuildFixture.with { f in
            try f.write("real/file", "text")
            try f.link("to-file", to: "real/file")
            try f.link("to-directory", to: "/real")
            try f.link("out", to: "../../../../../../etc/passwd")
            try f.link("tree/inner", to: "../real/file")
            let image = try await f.build(
                "FROM scratch\nCOPY to-file /file\nCOPY to-directory /directory/\nCOPY tree /tree"
            )
            #expect(try image.text("/file") == "text")
            #expect(try image.text("/directory/file") == "text")
            #expect(image.tree["/tree/inner"]?.listing == "l /tree/inner -> ../real/file")
            let message = try await f.buildFailing("FROM scratch\nCOPY out /x")
            #expect(message.contains("out"))
        }
    }

    @Test("a destination that is a symbolic link is written through, inside the root")
    func destinationLinks() async throws {
        try await BuildFixture.with { f in
            try f.write("base/data/keep", "k")
            try f.link("base/link", to: "/data")
            try f.link("base/current", to: "data/version")
            try f.link("base/escape", to: "../../../../data")
            try f.write("new", "n")
            let image = try await f.build(
                "FROM scratch\nCOPY base /\nCOPY new /link/new\nCOPY new /current\nCOPY new /escape/deep/new"
            )
            #expect(image.tree["/link"]?.kind == .symbolicLink)
            #expect(image.tree["/current"]?.kind == .symbolicLink)
            #expect(try image.text("/data/new") == "n")
            #expect(try image.text("/data/version") == "n")
            #expect(try image.text("/data/deep/new") == "n")
        }
    }

    @Test("a file over a directory, or a directory over a file, is an error")
    func conflicts() async throws {
        try await BuildFixture.with { f in
            try f.write("one/name", "file")
            try f.write("two/name/inner", "directory")
            let overFile = try await f.buildFailing("FROM scratch\nCOPY one /x\nCOPY two /x")
            #expect(overFile.contains("/x/name"))
            let overDirectory = try await f.buildFailing("FROM scratch\nCOPY two /x\nCOPY one /x")
            #expect(overDirectory.contains("/x/name"))
        }
    }

    @Test("files of the context belong to 0:0 whatever USER says; --from keeps owners and special bits")
    func owners() async throws {
        try await BuildFixture.with { f in
            try f.write("tool", "t", mode: 0o4755)
            try f.write("shared/x", "x")
            try f.makeDirectory("shared", mode: 0o1777)
            let image = try await f.build(
                """
                FROM scratch AS one
                USER 1000:1000
                COPY tool /plain
                COPY --chown=12:34 tool /owned
                COPY --chown=12:34 shared /top/shared
                FROM scratch
                COPY --from=one /plain /owned /
                """
            )
            #expect(image.listing() == ["-4755 12:34 /owned", "-4755 0:0 /plain"])
        }
    }

    @Test(
        "--chown with numbers and names",
        arguments: [
            ("12", "12:12"), ("12:34", "12:34"), (":34", "0:34"), ("app", "1000:1001"), ("app:extra", "1000:2000"),
            (":extra", "0:2000"), ("app:7", "1000:7"), ("7:extra", "7:2000"),
        ]
    )
    func chown(specification: String, owner: String) async throws {
        try await BuildFixture.with { f in
            try f.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n")
            try f.write("etc/group", "root:x:0:\nextra:x:2000:app\n")
            try f.write("file")
            let image = try await f.build("FROM scratch\nCOPY etc /etc\nCOPY --chown=\(specification) file /new/file")
            #expect(image.listing("/new") == ["d755 \(owner) /new", "-644 \(owner) /new/file"])
        }
    }

    @Test("a name that the image does not know is an error")
    func unknownOwner() async throws {
        try await BuildFixture.with { f in
            try f.write("file")
            let message = try await f.buildFailing("FROM scratch\nCOPY --chown=nobody-knows file /file")
            #expect(message.contains("nobody-knows"))
        }
    }

    @Test(
        "--chmod in octal and symbols, for files and for the directories made",
        arguments: [
            ("640", "-640", "d640"), ("u=rwX,go=rX", "-644", "d755"), ("4755", "-4755", "d755"),
            ("+x", "-755", "d755"),
        ]
    )
    func chmod(mode: String, file: String, directory: String) async throws {
        try await BuildFixture.with { f in
            try f.write("d/file")
            let image = try await f.build("FROM scratch\nCOPY --chmod=\(mode) d /top/d")
            #expect(image.tree["/top/d/file"]?.listing == "\(file) 0:0 /top/d/file")
            #expect(image.tree["/top/d"]?.listing == "\(directory) 0:0 /top/d")
        }
    }

    @Test("a name without a slash at the end becomes the file, with one the directory; WORKDIR is where it starts")
    func destinations() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            try f.write("name with blank", "b")
            let image = try await f.build(
                """
                FROM scratch
                COPY a /file
                COPY a /directory/
                WORKDIR /workdir
                COPY a .
                COPY a relative/
                COPY ["name with blank", "/a name"]
                COPY ./../a ../above
                """
            )
            #expect(
                image.tree.values.filter { $0.kind == .file }.map(\.path).sorted() == [
                    "/a name", "/above", "/directory/a", "/file", "/workdir/a", "/workdir/relative/a",
                ]
            )
        }
    }

    @Test("several sources need a destination that ends in a slash")
    func severalSources() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            try f.write("b", "b")
            let image = try await f.build("FROM scratch\nCOPY a b /x/")
            #expect(image.tree.keys.sorted() == ["/x", "/x/a", "/x/b"])
            try await f.buildFailing("FROM scratch\nCOPY a b /x")
        }
    }

    @Test("--exclude leaves out what matches its patterns, from the context and from a stage")
    func exclude() async throws {
        try await BuildFixture.with { f in
            for path in ["d/a.txt", "d/b.txt", "d/sub/c.txt", "d/sub/keep"] { try f.write(path) }
            let image = try await f.build(
                """
                FROM scratch AS one
                COPY d /d
                FROM scratch
                COPY --exclude=**/*.txt --exclude=!b.txt d /x
                COPY --from=one --exclude=sub /d /y
                """
            )
            #expect(
                image.tree.keys.sorted() == ["/x", "/x/b.txt", "/x/sub", "/x/sub/keep", "/y", "/y/a.txt", "/y/b.txt"]
            )
        }
    }

    @Test("hard links within a copied directory stay hard links, and times are kept")
    func hardLinksAndTimes() async throws {
        try await BuildFixture.with { f in
            try f.write("d/one", "same")
            try FileManager.default.linkItem(
                atPath: f.context.appending("d").appending("one").string,
                toPath: f.context.appending("d").appending("two").string
            )
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)],
                ofItemAtPath: f.context.appending("d").appending("one").string
            )
            let image = try await f.build("FROM scratch\nCOPY d /d")
            #expect(image.listing() == ["d755 0:0 /d", "-644 0:0 /d/one", "h /d/two => /d/one"])
            #expect(image.tree["/d/one"]?.modified == 1_000_000_000)
        }
    }

    @Test("names that are long, not ASCII, or full of special characters")
    func strangeNames() async throws {
        try await BuildFixture.with { f in
            let names = [
                String(repeating: "long", count: 60), "ünïcödé-日本", "with\nnewline", "quote\"'`$", "-dash", "star*",
            ]
            let deep = (0..<12).map { "directory-number-\($0)" }.joined(separator: "/")
            for name in names { try f.write("d/" + name, name) }
            try f.write("d/\(deep)/file", "deep")
            let image = try await f.build("FROM scratch\nCOPY d /d")
            for name in names { #expect(try image.text("/d/" + name) == name) }
            #expect(try image.text("/d/\(deep)/file") == "deep")
        }
    }
}
