import FileSystem
import Layers
import OCI
import Tar
import TestSupport
import Testing

@testable import ImageAnalysis

@Suite("Comparing images")
struct ComparisonTests {
    @Test("each attribute of a file counts, and times do not")
    func attributes() {
        let original = file("f", size: 3)
        func differences(_ change: (inout LayerEntry) -> Void) -> [PathDifference] {
            var other = original
            change(&other)
            return PathDifference.all(
                MergedView(layers: [index([original])]),
                MergedView(layers: [index([other])])
            )
        }
        #expect(differences { $0.modified = 99 }.isEmpty)
        #expect(differences { $0.permissions = 0o4755 }.map(\.attributes) == [[.mode]])
        #expect(differences { $0.userID = 1 }.map(\.attributes) == [[.owner]])
        #expect(differences { $0.groupID = 1 }.map(\.attributes) == [[.owner]])
        #expect(differences { $0.size = 4 }.map(\.attributes) == [[.content]])
        #expect(
            differences { $0.extendedAttributes = [.init(name: "user.a", value: [1])] }.map(\.attributes) == [[.xattrs]]
        )
        #expect(differences { $0.kind = .directory }.map(\.attributes) == [[.type]])
        #expect(differences { $0.kind = .fifo }.map(\.attributes) == [[.type]])
        let moved = differences { $0.path = PathInRoot("g") }
        #expect(moved.map(\.path) == [PathInRoot("f"), PathInRoot("g")])
        #expect(moved.map { $0.before == nil } == [false, true])
        let links = PathDifference.all(
            MergedView(layers: [index([symbolicLink("l", to: "a")])]),
            MergedView(layers: [index([symbolicLink("l", to: "b")])])
        )
        #expect(links.map(\.attributes) == [[.link]])
    }

    @Test("the same files in other layers, or as links to each other, are no difference")
    func otherLayers() {
        let one = MergedView(layers: [
            index([file("a", size: 1), file("b", size: 1), file("gone", size: 9)]), index([whiteout("gone")]),
        ])
        let other = MergedView(layers: [index([file("a", size: 1), hardLink("b", to: "a")])])
        #expect(PathDifference.all(one, other).isEmpty)
        #expect(PathDifference.all(other, one).isEmpty)
    }

    @Test("variables, labels and other settings are compared one by one")
    func settings() throws {
        var before = ImageConfiguration(platform: .host)
        before.config.env = ["A=1", "PATH=/bin", "EMPTY="]
        before.config.labels = ["same": "x", "gone": "y"]
        before.config.cmd = ["sh"]
        before.created = .epoch
        var after = before
        after.created = Timestamp(secondsSinceEpoch: 9)
        #expect(try SettingDifference.all(before, after) == [])
        after.config.env = ["PATH=/bin", "A=2=3"]
        after.config.labels = ["same": "x", "new": ""]
        after.config.cmd = ["sh", "-l"]
        after.config.user = "1000"
        after.os = "other"
        let differences = try SettingDifference.all(before, after)
        #expect(
            differences.map(\.name) == [
                "Cmd", "Env.A", "Env.EMPTY", "Labels.gone", "Labels.new", "User", "os",
            ]
        )
        #expect(differences[1].before == .string("1") && differences[1].after == .string("2=3"))
        #expect(differences[3].after == nil && differences[4].before == nil)
    }

    private static let dpkg = """
        Package: libc6
        Status: install ok installed
        Architecture: amd64
        Version: 2.36-9
        Description: GNU C Library
         Version: not this one

        Package: gone
        Status: deinstall ok config-files
        Version: 1

        """
    private static let apk = "C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36\n"

    @Test("packages of dpkg and apk are read, also those of images without a shell")
    func packages() throws {
        try StoreFixture.with { fixture in
            let contents = [
                "var/lib/dpkg/status": Self.dpkg,
                "var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12\n",
                "var/lib/dpkg/status.d/base.md5sums": "Package: wrong\nVersion: 1\n",
                "usr/lib/apk/db/installed": Self.apk,
            ]
            func stack(_ contents: [String: String]) throws -> LayerStack {
                let entries = contents.map { file($0.key, size: Int64($0.value.utf8.count)) }
                return try fixture.files([entries + [symbolicLink("lib", to: "usr/lib")]]) { entry in
                    Array((contents[String("\(entry.path)".dropFirst())] ?? "").utf8)
                }
            }
            let packages = try InstalledPackages(try stack(contents))
            func text(_ packages: InstalledPackages) -> [String] {
                packages.versions.sorted { $0.key < $1.key }.map {
                    "\($0.key.system) \($0.key.name) \($0.key.architecture) \($0.value)"
                }
            }
            #expect(
                text(packages) == [
                    "dpkg base-files  12", "apk busybox  1.36", "dpkg libc6 amd64 2.36-9", "apk musl x86_64 1.2.4-r2",
                ]
            )
            var other = contents
            other["var/lib/dpkg/status"] = Self.dpkg.replacing("2.36-9", with: "2.36-10")
            other["usr/lib/apk/db/installed"] = "P:musl\nV:1.2.4-r2\nA:x86_64\n\nP:new\nV:\u{1B}[31m1\n"
            let differences = PackageDifference.all(packages, try InstalledPackages(try stack(other)))
            #expect(
                differences.map { "\($0.package.name) \($0.before ?? "-") \($0.after ?? "-")" } == [
                    "busybox 1.36 -", "libc6 2.36-9 2.36-10", "new - \u{1B}[31m1",
                ]
            )
        }
    }
}
