import FileSystem
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Registry

@Suite struct RegistrySettingsTests {
    private func places(_ text: String, _ reference: String, forPush: Bool = false) throws -> [String] {
        try RegistrySettings(parsing: Array(text.utf8), of: "/r.conf")
            .repositories(for: ImageReference(parsing: reference), forPush: forPush)
            .map { "\($0.endpoint.host) \($0.name)\($0.endpoint.allowsAnyCertificate ? " insecure" : "")" }
    }

    private static let settings = """
        unqualified-search-registries = ["docker.io"]

        [[registry]]
        prefix = "docker.io/library"
        location = "reg.example/hub"
        [[registry.mirror]]
        location = "mirror.example:5000/cache"
        insecure = true
        [[registry.mirror]]
        location = "digests.example"
        pull-from-mirror = "digest-only"

        [[registry]]
        location = "plain.example:5000"
        insecure = true

        [[registry]]
        location = "bad.example"
        blocked = true

        [[registry]]
        prefix = "bad.example/good"
        """

    @Test(
        "where repositories are looked for",
        arguments: [
            ("alpine", ["mirror.example:5000 cache/alpine insecure", "reg.example hub/alpine"]),
            ("docker.io/team/app", ["registry-1.docker.io team/app"]),
            ("docker.io/libraryx/app", ["registry-1.docker.io libraryx/app"]),
            (
                "alpine@sha256:" + String(repeating: "0", count: 64),
                ["mirror.example:5000 cache/alpine insecure", "digests.example alpine", "reg.example hub/alpine"]
            ),
            ("plain.example:5000/x", ["plain.example:5000 x insecure"]), ("plain.example/x", ["plain.example x"]),
            ("bad.example/good/x", ["bad.example good/x"]),
        ]
    )
    func repositories(reference: String, places: [String]) throws {
        #expect(try self.places(RegistrySettingsTests.settings, reference) == places)
    }

    @Test("a push goes to the registry itself, and a blocked one is refused")
    func special() throws {
        #expect(try places(RegistrySettingsTests.settings, "alpine", forPush: true) == ["reg.example hub/alpine"])
        #expect(throws: RegistryError.self) { try places(RegistrySettingsTests.settings, "bad.example/x") }
    }

    @Test(
        "what is wrong in the file is said",
        arguments: [
            ("[.a]\n", "line 1: a key is expected"), ("registry = 1", "`registry` in the file is a number"),
            ("[registry]\nlocation = 'x'", "`registry` in the file is a table"), ("registry = [1]", "is a number"),
            ("[[registry]]", "neither `prefix` nor `location`"), ("[[registry]]\nlocation = 1", "expected a string"),
            ("[[registry]]\nlocation = 'x'\ninsecure = 'yes'", "`insecure` in `[[registry]]` is a string"),
            ("[[registry]]\nlocation = 'x'\n[[registry.mirror]]", "has no `location`"),
            ("[[registry]]\nprefix = '*.x'\nlocation = 'y'", "cannot have a `location`"), ("\u{0}", "line 1"),
        ]
    )
    func errors(text: String, words: String) {
        let error = #expect(throws: RegistrySettings.InvalidFile.self) { try places(text, "alpine") }
        #expect(error.map { "\($0)" }?.contains(words) == true, "\(String(describing: error))")
        #expect(error.map { "\($0)" }?.contains("`/r.conf` cannot be used") == true)
    }

    @Test("a named pipe in place of the file is an error, and nothing waits")
    func pipe() throws {
        try withScratch { scratch in
            let path = scratch.appending("registries.conf").string
            try #require(mkfifo(path, 0o600) == 0)
            #expect(throws: RegistrySettings.InvalidFile.self) {
                try RegistrySettings(environment: ["CONTAINERS_REGISTRIES_CONF": path])
            }
        }
    }

    @Test("certificates are those of a host's own directory, in the order of their names")
    func certificates() throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let home = scratch.path
        let root = home.appending(".config").appending("containers").appending("certs.d")
        for (host, name) in [
            ("reg.example:5000", "b.crt"), ("reg.example:5000", "a.crt"), ("reg.example:5000", "me.cert"),
            ("reg.example:5000", "me.key"), ("reg.example:5000", "ca.pem"), ("reg.example", "other.crt"),
        ] {
            try FileOperations.createDirectories(root.appending(host))
            let path = root.appending(host).appending(name)
            try FileOperations.writeAtomically([], to: path, temporary: root)
        }
        let directory = CertificateDirectory(environment: ["HOME": home.string])
        let own = root.appending("reg.example:5000")
        let authorities = directory.authorities(for: "reg.example:5000").filter { $0.starts(with: home) }
        #expect(authorities == [own.appending("a.crt"), own.appending("b.crt")])
        let client = directory.client(for: "reg.example:5000")
        #expect(client?.certificate == own.appending("me.cert") && client?.key == own.appending("me.key"))
        #expect(directory.client(for: "reg.example") == nil)
        #expect(directory.authorities(for: "none.example").isEmpty)
    }
}
