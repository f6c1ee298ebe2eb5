import ContentStore
import FileSystem
import RemoteAddresses
import SystemPackage
import TestSupport
import Testing

@testable import RemoteSources

@Suite("A Git repository", .needs(.program("git")))
struct GitRepositoriesTests {
    /// A repository with two branches, two tags and a directory; `names` has its commits by what leads to them.
    private final class Origin: Sendable {
        let scratch: ScratchDirectory
        let store: Store
        let names: [String: String]

        var repositories: GitRepositories {
            // As a hook of another repository sets them, and a user's file that changes line ends.
            GitRepositories(
                store,
                environment: [
                    "PATH": ProcessEnvironment.variables["PATH"] ?? "", "HOME": scratch.path.string,
                    "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_INDEX_FILE": "/nowhere",
                    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true",
                ]
            )
        }

        init() throws {
            scratch = try ScratchDirectory()
            store = try Store(root: scratch.path.appending("store"))
            try scratch.write(".gitconfig", "[core]\n\tautocrlf = true\n")
            try scratch.write(
                "script",
                """
                set -eu
                export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example
                export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example
                git init -q -b main origin && cd origin
                commit() { GIT_COMMITTER_DATE="@$1 +0000" GIT_AUTHOR_DATE="@1 +0000" git commit -q --allow-empty -m "$1"; }
                mkdir -p dir/sub && printf 'one\\n' > dir/sub/file && printf run > program && chmod 711 program
                ln -s dir link && ln -s /etc outside && git add . && commit 1000000000
                git tag light && git tag -a annotated -m words && git branch light
                printf 'two\\n' > dir/sub/file && git commit -q -a -m two
                git checkout -q -b other && commit 1100000000 && git checkout -q main && commit 1200000000
                for name in HEAD refs/tags/light other 'annotated^{}' main~1; do
                    echo "$name $(git rev-parse "$name")"
                done
                """
            )
            let made = try shell("cd \(scratch.path) && sh script")
            try #require(made.status == 0, "\(made.output)")
            names = Dictionary(
                made.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                    .map { ($0[0], $0[1]) }
            ) { $1 }
        }

        func address(_ suffix: String = "") throws -> GitAddress {
            let text = "file://\(scratch.path)/origin\(suffix)"
            return try #require(try GitAddress(parsing: text, isContext: true))
        }
    }

    @Test("leads from every kind of reference to a commit")
    func references() async throws {
        let origin = try Origin()
        let first = try #require(origin.names["refs/tags/light"])
        for (suffix, name) in [
            ("", "HEAD"), ("#main", "HEAD"), ("#refs/heads/main", "HEAD"), ("#heads/main", "HEAD"), ("#other", "other"),
            // A tag wins over a branch of its name (gitrevisions(7)), and an annotated one leads on.
            ("#light", "refs/tags/light"), ("#annotated", "annotated^{}"), ("?tag=annotated", "annotated^{}"),
            ("?branch=light", "refs/tags/light"), ("#\(first)", "refs/tags/light"),
            ("#\(first.uppercased())", "refs/tags/light"), ("#\(first.prefix(8))", "refs/tags/light"),
            ("?ref=main&checksum=\(origin.names["HEAD"]?.prefix(7) ?? "")", "HEAD"),
        ] {
            let commit = try await origin.repositories.resolve(try origin.address(suffix))
            #expect(commit.id == origin.names[name], "\(suffix)")
        }
    }

    @Test("says which reference it does not have, and which commit another one leads to")
    func missing() async throws {
        let origin = try Origin()
        for name in ["nothing", "refs/heads/nothing", "0123456"] {
            let address = try origin.address("#\(name)")
            await #expect(throws: RemoteSourceError.referenceMissing(address, name)) {
                try await origin.repositories.resolve(address)
            }
        }
        let other = try origin.address("?ref=main&commit=0123456")
        let head = try #require(origin.names["HEAD"])
        await #expect(throws: RemoteSourceError.commit(other, expected: "0123456", actual: head)) {
            try await origin.repositories.resolve(other)
        }
        let id = String(repeating: "0", count: 40)
        let lost = try origin.address("#\(id)")
        await #expect(throws: RemoteSourceError.referenceMissing(lost, id)) {
            try await origin.repositories.checkOut(origin.repositories.resolve(lost), keepsGitDirectory: false)
        }
    }

    @Test("is checked out as it was committed, whatever this machine is set to")
    func checkOut() async throws {
        let origin = try Origin()
        let commit = try await origin.repositories.resolve(try origin.address("#light"))
        let checkout = try await origin.repositories.checkOut(commit, keepsGitDirectory: false)
        #expect(checkout.time == 1_000_000_000)
        let tree = checkout.directory
        #expect(try FileOperations.read(tree.appending("dir/sub/file")) == Array("one\n".utf8))
        #expect(try FileStatus.of(tree.appending("dir/sub/file")).permissions == 0o644)
        #expect(try FileStatus.of(tree.appending("program")).permissions == 0o755)
        #expect(try FileStatus.of(tree.appending("link")).kind == .symbolicLink)
        #expect(FileStatus.ifPresent(tree.appending(".git")) == nil)
        for name in ["", "dir", "dir/sub/file", "link"] {
            #expect(try FileStatus.of(tree.appending(name)).modifiedSeconds == 1_000_000_000, "\(name)")
        }
    }

    @Test("keeps its history where that is wanted, without what tells of this machine")
    func gitDirectory() async throws {
        let origin = try Origin()
        let commit = try await origin.repositories.resolve(try origin.address("#other"))
        let checkout = try await origin.repositories.checkOut(commit, keepsGitDirectory: true)
        let git = checkout.directory.appending(".git")
        #expect(try String(decoding: FileOperations.read(git.appending("HEAD")), as: UTF8.self) == "\(commit.id)\n")
        #expect(FileStatus.ifPresent(git.appending("FETCH_HEAD")) == nil)
        let grep = try shell("grep -r '\(origin.store.root)' \(git)")
        #expect(grep.status == 1, "\(grep.output)")
    }

    @Test(
        "may be wanted from a directory on, which links do not lead out of",
        arguments: [
            ("dir/sub", true), ("link/sub", true), ("dir/none", false), ("program", false), ("outside/ssl", false),
        ]
    )
    func subdirectory(path: String, isThere: Bool) async throws {
        let origin = try Origin()
        let address = try origin.address("#main:\(path)")
        let commit = try await origin.repositories.resolve(address)
        if isThere {
            let checkout = try await origin.repositories.checkOut(commit, keepsGitDirectory: false)
            #expect(try FileOperations.names(in: checkout.directory) == [Array("file".utf8)])
        } else {
            await #expect(throws: RemoteSourceError.directoryMissing(address)) {
                try await origin.repositories.checkOut(commit, keepsGitDirectory: false)
            }
        }
    }

    @Test("that cannot be reached is an error without the credentials")
    func credentials() async throws {
        let origin = try Origin()
        let address = try #require(try GitAddress(parsing: "http://someone:topsecret@127.0.0.1:1/r.git"))
        let error = await #expect(throws: RemoteSourceError.self) { try await origin.repositories.resolve(address) }
        let text = error.map { "\($0) \($0.hint ?? "")" } ?? ""
        #expect(text.contains("http://127.0.0.1:1/r.git") && !text.contains("topsecret") && !text.contains("someone"))
    }
}
