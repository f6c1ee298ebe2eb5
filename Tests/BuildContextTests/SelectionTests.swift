import FileSystem
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import BuildContext

@Suite struct SelectionTests {
    @Test(
        "a source stays inside the context, however it is written",
        arguments: ["a/f", "/a/f", "../../a/f", "a/./x/../f/", "./a//f"]
    )
    func clamping(_ source: String) throws {
        let scratch = try ScratchDirectory()
        try scratch.write("a/f")
        #expect(try scratch.context().paths(source) == ["a/f"])
    }

    @Test("the context itself is a source", arguments: [".", "/", "./", "..", ""])
    func whole(_ source: String) throws {
        let scratch = try ScratchDirectory()
        try scratch.write("f")
        #expect(try scratch.context().paths(source) == [""])
        #expect(try scratch.context().names(source) == ["f"])
    }

    @Test("wildcards match per component, hidden files too, in order")
    func wildcards() throws {
        let scratch = try ScratchDirectory()
        for name in ["b.txt", ".hidden.txt", "a.txt", "d/c.txt", "d/e/f.txt", "d-x/c.txt", "arr[0]"] {
            try scratch.write(name)
        }
        let context = try scratch.context()
        #expect(try context.paths("*.txt") == [".hidden.txt", "a.txt", "b.txt"])
        #expect(try context.paths("*/*.txt") == ["d/c.txt", "d-x/c.txt"])
        #expect(try context.paths("d*/c.*") == ["d/c.txt", "d-x/c.txt"])
        #expect(try context.paths("arr[[]0]") == ["arr[0]"])
        #expect(try context.paths("arr[0]", wildcards: .none) == ["arr[0]"])
        #expect(try context.paths("**/*.txt") == ["d/c.txt", "d-x/c.txt"])
        #expect(try context.paths("nothing*") == [])
        #expect(try context.missing("nothing/*") != nil)
        #expect(try context.paths("b.txt/*") == [])
        #expect(throws: BuildContextError.malformedPattern(Array("a[*".utf8))) { try context.paths("a[*") }
    }

    @Test("symbolic links lead nowhere outside the context")
    func links() throws {
        let scratch = try ScratchDirectory()
        try scratch.write("real/f", "inside")
        try scratch.link("absolute", to: "/real")
        try scratch.link("deep/up", to: "../../../../../real")
        try scratch.link("file", to: "absolute/f")
        try scratch.link("outside", to: "/etc/passwd")
        try scratch.link("loop", to: "loop2")
        try scratch.link("loop2", to: "loop")
        let context = try scratch.context()
        for source in ["absolute", "deep/up", "absolute/../absolute"] {
            let root = try #require(try context.select(source: Array(source.utf8), wildcards: .path).first)
            #expect(root.resolvedPath == Array("real".utf8))
            #expect(root.isDirectory)
        }
        let file = try #require(try context.listing("file").first)
        #expect(file.root.resolvedPath == Array("real/f".utf8))
        #expect(file.entries.map(\.path) == [Array("file".utf8)])
        file.forEach { _, entry in #expect(file.contextPath(of: entry) == Array("real/f".utf8)) }
        #expect(try context.paths("abs*/f") == [])
        #expect(try context.paths("absolute/f*") == ["absolute/f"])
        #expect(try context.missing("outside") != nil)
        #expect(throws: BuildContextError.symbolicLinkLoop(Array("loop/x".utf8))) { try context.paths("loop/x") }
    }

    @Test("symbolic links inside a tree stay links")
    func linksInside() throws {
        let scratch = try ScratchDirectory()
        try scratch.link("tree/l", to: "/nowhere at all")
        let entry = try #require(try scratch.context().listing("tree").first?.entries.first)
        #expect(entry.status.kind == .symbolicLink)
        #expect(entry.linkTarget == Array("/nowhere at all".utf8))
    }

    @Test("a listing is ordered by component with parents first")
    func order() throws {
        let scratch = try ScratchDirectory()
        for name in ["a/b/c", "a/b-/c", "a!", "a.b", "b"] { try scratch.write(name) }
        #expect(try scratch.context().names(".") == ["a", "a/b", "a/b/c", "a/b-", "a/b-/c", "a!", "a.b", "b"])
    }

    @Test("names that are not UTF-8 are kept as they are")
    func invalidNames() throws {
        let scratch = try ScratchDirectory()
        let name: [UInt8] = [0x64, 0x2F, 0xFF, 0xC3, 0x28]
        try scratch.write(name, "x")
        let context = try scratch.context()
        #expect(
            try context.list(context.select(source: name, wildcards: .path)[0]).entries[0].path
                == Array(name.dropFirst(2))
        )
        #expect(try context.listing("d")[0].entries[0].path == Array(name.dropFirst(2)))
        #expect(try context.listing("d/?*")[0].root.path == name)
    }

    @Test("exceptions bring back files and their parents, with the parents' modes")
    func exceptions() throws {
        let scratch = try ScratchDirectory()
        for name in ["src/app/main", "src/other", "lib/x/y", "README"] { try scratch.write(name) }
        chmod(scratch.file("src"), 0o701)
        let context = try scratch.context(ignoring: "*\n!src/app\n!lib/x/nothing")
        #expect(try context.names(".") == ["src", "src/app", "src/app/main"])
        #expect(try context.listing(".")[0].entries[0].status.permissions == 0o701)
        #expect(try context.names("src") == ["app", "app/main"])
        #expect(try context.paths("*") == ["src"])
        #expect(try context.missing("lib")?.exclusion?.line == 1)
    }

    @Test("--exclude is relative to the copied root")
    func excluding() throws {
        let scratch = try ScratchDirectory()
        for name in ["d/a.txt", "d/b.md", "d/e/a.txt", "a.txt"] { try scratch.write(name) }
        let context = try scratch.context()
        #expect(try context.names("d", excluding: ["*.txt"]) == ["b.md", "e", "e/a.txt"])
        #expect(try context.names("d", excluding: ["**/*.txt", "!e/a.txt"]) == ["b.md", "e", "e/a.txt"])
        #expect(try context.names("a*", excluding: ["*.txt"]) == [])
    }

    @Test("hard links have one identity, sockets are there, attributes are kept")
    func kinds() throws {
        let scratch = try ScratchDirectory()
        try scratch.write("d/one", "x")
        try #require(link(scratch.file("d/one"), scratch.file("d/two")) == 0)
        try scratch.write("d/three", "x")
        mkfifo(scratch.file("d/fifo"), 0o600)
        try #require(mknod(scratch.file("d/socket"), S_IFSOCK | 0o600, 0) == 0)
        let entries = try scratch.context().listing("d")[0].entries
        let identities = Dictionary(
            uniqueKeysWithValues: entries.map { (String(decoding: $0.path, as: UTF8.self), $0.hardLinkIdentity) }
        )
        #expect(identities["one"] != .some(nil))
        #expect(identities["one"] == identities["two"])
        #expect(identities["three"] == .some(nil))
        #expect(entries.contains { $0.status.kind == .fifo })
        #expect(entries.contains { $0.status.kind == .socket })
        #expect(try scratch.context().paths("d/s*") == ["d/socket"])
    }

    @Test("directories below the limit of open descriptors are walked to the bottom")
    func depth() throws {
        let scratch = try ScratchDirectory()
        let path = String(repeating: "d/", count: 100)
        try scratch.write(path + "f")
        try scratch.write(path + "../e/f")
        try scratch.write("z")
        let names = try scratch.context().names(".")
        #expect(names.count == 100 + 1 + 2 + 1)
        #expect(names.last == "z")
    }

    @Test("the context may be given as a link, and must be a directory")
    func root() throws {
        let scratch = try ScratchDirectory()
        try scratch.write("real/f")
        try scratch.link("alias", to: "real")
        let real = try ContextDirectory(FilePath(scratch.file("real")))
        #expect(try ContextDirectory(FilePath(scratch.file("alias"))).path == real.path)
        #expect(throws: BuildContextError.self) { try ContextDirectory(FilePath(scratch.file("real/f"))) }
        #expect(throws: BuildContextError.self) { try ContextDirectory(FilePath(scratch.file("nothing"))) }
    }

    @Test("a missing source says why and what may be meant")
    func missing() throws {
        let scratch = try ScratchDirectory()
        for name in ["build/app", "src/deep/inside/tool.conf", "secret.key"] { try scratch.write(name) }
        let context = try scratch.context(ignoring: "# keys\n*.key\n")
        #expect(
            try context.missing("secret.key")?.exclusion
                == .init(file: ".dockerignore", line: 2, pattern: Array("*.key".utf8))
        )
        #expect(try context.missing("biuld/app")?.suggestion == Array("build/app".utf8))
        #expect(try context.missing("Build/app")?.suggestion == Array("build/app".utf8))
        #expect(try context.missing("build/ap")?.suggestion == Array("build/app".utf8))
        #expect(try context.missing("conf/tool.conf")?.suggestion == Array("src/deep/inside/tool.conf".utf8))
        #expect(try context.missing("nothing-like-it")?.suggestion == nil)
        #expect(try context.missing("build/app/x")?.path == Array("build/app/x".utf8))
        #expect(try context.missing("a\0b") != nil)
        #expect(
            try context.missing("secret.key")?.description == "`secret.key` is excluded by `.dockerignore:2` (`*.key`)"
        )
        #expect(try context.missing("biuld")?.description == "`biuld` is not in the build context")
    }

    @Test(
        "a source of --parents keeps its directories, from `/./` on",
        arguments: [
            ("x/a.txt", ["x", "x/a.txt"]),
            ("./x/a.txt", ["x", "x/a.txt"]),
            ("/x//a.txt/", ["x", "x/a.txt"]),
            ("x/./a.txt", ["a.txt"]),
            ("x/./y/*.txt", ["y", "y/b.txt"]),
            ("x/y/", ["x", "x/y", "x/y/.h", "x/y/b.txt", "x/y/z", "x/y/z/c.txt"]),
            ("*/y/b.txt", ["w", "w/y", "w/y/b.txt", "x", "x/y", "x/y/b.txt"]),
            ("**/c.txt", ["x", "x/y", "x/y/z", "x/y/z/c.txt"]),
            ("x/**/*.txt", ["x", "x/a.txt", "x/y", "x/y/b.txt", "x/y/z", "x/y/z/c.txt"]),
            ("[wx]/./y/b.txt", ["y", "y/b.txt", "y", "y/b.txt"]),
            ("link/./y/b.txt", ["y", "y/b.txt"]),
            ("link", ["link"]),
            ("links/dangling", ["links", "links/dangling"]),
            ("x/./.", ["a.txt", "y", "y/.h", "y/b.txt", "y/z", "y/z/c.txt"]),
            ("nothing/*", []),
            ("**/nothing*", []),
        ]
    )
    func parents(source: String, expected: [String]) throws {
        let scratch = try ScratchDirectory()
        for name in ["x/a.txt", "x/y/b.txt", "x/y/.h", "x/y/z/c.txt", "w/y/b.txt", "v/other"] {
            try scratch.write(name)
        }
        try scratch.link("link", to: "x")
        try scratch.link("links/dangling", to: "gone")
        #expect(try scratch.context().parents(source) == expected)
    }

    @Test("parents come with the modes they have, and without what is excluded")
    func parentsExcluding() throws {
        let scratch = try ScratchDirectory()
        for name in ["a/b/c.txt", "a/b/d.md", "a/e.txt"] { try scratch.write(name) }
        chmod(scratch.file("a/b"), 0o710)
        let context = try scratch.context(ignoring: "**/*.md")
        let source = try ParentsSource(Array("a/b".utf8))
        #expect(try context.list(source)[0].entries.map(\.status.permissions) == [0o755, 0o710, 0o644])
        #expect(try context.parents("a/**", excluding: ["a/b", "!a/b/c.txt"]) == ["a", "a/b", "a/b/c.txt", "a/e.txt"])
        #expect(try context.parents("a/*", excluding: ["*.txt"]) == ["a", "a/b", "a/b/c.txt", "a/e.txt"])
        #expect(try context.parents("a/b/c.txt", excluding: ["**/*.txt"]) == [])
    }

    @Test("a source of --parents without wildcards must be there, and not behind a link")
    func parentsMissing() throws {
        let scratch = try ScratchDirectory()
        for name in ["real/f", "secret.key"] { try scratch.write(name) }
        try scratch.link("d/alias", to: "../real")
        let context = try scratch.context(ignoring: "*.key")
        #expect(throws: BuildContextError.symbolicLinkAsParent(Array("d/alias".utf8))) {
            try context.parents("d/alias/f")
        }
        for source in ["gone/f", "real/g", "real/./g", "secret.key", "real/f/./x"] {
            #expect(throws: BuildContextError.self) { try context.parents(source) }
        }
    }

    @Test("the store is left out wherever it is, and only then")
    func store() throws {
        let scratch = try ScratchDirectory()
        for name in ["d/st*re/blob", "d/stAre/f", "f"] { try scratch.write(name) }
        let context = try scratch.context(ignoring: "!d/st*re")
        let without = try #require(context.leavingOut(store: FilePath(scratch.file("d/st*re"))))
        #expect(without.store == Array("d/st*re".utf8))
        #expect(try without.context.names(".") == ["d", "d/stAre", "d/stAre/f", "f"])
        #expect(try without.context.missing("d/st*re/blob") == nil)
        #expect(try without.context.paths("d/*") == ["d/stAre"])
        #expect(context.leavingOut(store: scratch.path) == nil)
        #expect(context.leavingOut(store: "/usr") == nil)
        #expect(try scratch.context(ignoring: "d").leavingOut(store: FilePath(scratch.file("d/st*re"))) == nil)
    }

    @Test("a wildcard that matches a link to nothing names the link")
    func danglingMatch() throws {
        let scratch = try ScratchDirectory()
        try scratch.link("lost", to: "no/where")
        #expect(try scratch.context().missing("lo*")?.linkTarget == Array("no/where".utf8))
    }
}
