internal import Foundation
internal import SystemPackage
internal import Testing

/// What rpm does to owners when it installs a package.
@Suite("Packages of rpm")
struct EmulatedRPMTests {
    @Test(
        "are installed with their owners by an ordinary user with one ID",
        .enabled("needs rpmbuild (package rpm), mmdebstrap, a mirror of Debian and user namespaces") {
            guard Machine.has("rpmbuild"), await DebianBase.shared.path != nil else { return false }
            return try await UnprivilegedPlace.singleUser.isAvailable()
        }
    )
    func singleUser() async throws { try await install(in: .singleUser) }

    @Test(
        "are installed with their owners by a user without any privilege",
        .enabled("needs rpmbuild (package rpm), mmdebstrap, a mirror of Debian and ptrace") {
            guard Machine.has("rpmbuild"), await DebianBase.shared.path != nil else { return false }
            return try await UnprivilegedPlace.traced.isAvailable()
        }
    )
    func traced() async throws { try await install(in: .traced) }

    private static let specification = """
        Name: owners
        Version: 1
        Release: 1
        Summary: Files of several owners
        License: none
        BuildArch: noarch
        %description
        Files of several owners.
        %prep
        %build
        %install
        mkdir -p %{buildroot}/srv/owners/below
        echo one >%{buildroot}/srv/owners/one
        echo two >%{buildroot}/srv/owners/below/two
        ln -s one %{buildroot}/srv/owners/link
        %pre
        grep -q keeper /etc/passwd || echo 'keeper:x:812:813::/:/bin/sh' >>/etc/passwd
        grep -q keepers /etc/group || echo 'keepers:x:813:' >>/etc/group
        %files
        %dir %attr(2750, keeper, keepers) /srv/owners
        %dir %attr(1777, root, keepers) /srv/owners/below
        %attr(640, keeper, keepers) /srv/owners/one
        %attr(4755, root, daemon) /srv/owners/below/two
        %attr(-, keeper, keepers) /srv/owners/link
        """

    private func package(_ f: BuildFixture) async throws {
        let file = f.scratch.appending("owners.spec").string
        try Data(Self.specification.utf8).write(to: URL(fileURLWithPath: file))
        let top = f.scratch.appending("rpm").string
        let made = try await Machine.run(["rpmbuild", "-bb", "--define", "_topdir \(top)", file], in: f.scratch)
        try #require(made.status == 0, "\(made)")
        try FileManager.default.copyItem(
            atPath: "\(top)/RPMS/noarch/owners-1-1.noarch.rpm",
            toPath: f.context.appending("owners.rpm").string
        )
    }

    private func install(in place: UnprivilegedPlace) async throws {
        let base = try #require(await DebianBase.shared.path)
        try await BuildFixture.with { f in
            let archive = f.scratch.appending("debian.tar").string
            try FileManager.default.copyItem(atPath: base.string, toPath: archive)
            try await package(f)
            try place.own(f)
            let imported = try await place.run(f, ["import", archive, "debian"])
            try #require(imported.status == 0, "\(imported)")
            let text = """
                FROM debian
                RUN apt-get update && apt-get install -y --no-install-recommends rpm
                COPY owners.rpm /
                RUN rpm --nodeps -i /owners.rpm && rpm -V --nodeps owners >/verified
                RUN stat -c '%a %U:%G %n' /srv/owners /srv/owners/* >/seen
                """
            let result = try await place.run(
                f,
                ["-q", "-t", "made", "-f", try f.dockerfile(text), "."],
                limit: .seconds(400)
            )
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            #expect(try image.text("/verified") == "")
            #expect(
                try image.text("/seen").split(separator: "\n") == [
                    "2750 keeper:keepers /srv/owners", "1777 root:keepers /srv/owners/below",
                    "777 keeper:keepers /srv/owners/link", "640 keeper:keepers /srv/owners/one",
                ]
            )
            #expect(
                image.listing("/srv/owners") == [
                    "d2750 812:813 /srv/owners", "d1777 0:813 /srv/owners/below", "-4755 0:1 /srv/owners/below/two",
                    "l /srv/owners/link -> one", "-640 812:813 /srv/owners/one",
                ]
            )
            let link = image.tree["/srv/owners/link"]
            #expect(link?.user == 812 && link?.group == 813)
        }
    }
}
