internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("make install")
struct InstallTests {
    private static let completions = [
        "bash": "bash-completion/completions/swiftbuild", "zsh": "zsh/site-functions/_swiftbuild",
        "fish": "fish/vendor_completions.d/swiftbuild.fish",
    ]

    /// Installs the binary under test below a directory of the fixture, whose `usr/share` is given to `body`.
    private func install(_ more: [String] = [], _ body: (BuildFixture, FilePath) async throws -> Void) async throws {
        try await BuildFixture.with { f in
            let root = f.scratch.appending("root")
            let result = try await Machine.run(
                [
                    "make", "-C", Machine.repository.string, "install", "DESTDIR=\(root)", "PREFIX=/usr",
                    "BINARY=\(Machine.binary)",
                ] + more,
                in: f.scratch
            )
            try #require(result.status == 0, "\(result)")
            try await body(f, root.pushing("usr/share"))
        }
    }

    @Test("installs the binary, a manual page of all commands, and completions")
    func files() async throws {
        try await install { _, share in
            #expect(fileExists(share.removingLastComponent().pushing("bin/swiftbuild")))
            func text(_ path: String) throws -> String {
                String(decoding: try readFile(share.pushing(FilePath(path))), as: UTF8.self)
            }
            let page = try text("man/man1/swiftbuild.1")
            #expect(page.hasPrefix(".TH SWIFTBUILD 1"))
            for command in ["build", "images", "prune", "df", "doctor", "context ls", "debug tables"] {
                #expect(page.contains(".SS swiftbuild \(command.replacing("-", with: "\\-"))\n"), "\(command)")
            }
            for path in Self.completions.values { #expect(try text(path).contains("prune"), "\(path)") }
        }
    }

    @Test("makes a link on request by which it is docker-compose")
    func compose() async throws {
        try await install(["COMPOSE=1"]) { f, share in
            let link = share.removingLastComponent().pushing("bin/docker-compose")
            try f.write("compose.yaml", "services: {web: {image: app}}")
            let listed = try await Machine.run([link.string, "config", "--services"], in: f.context)
            #expect(listed.outputText == "web\n", "\(listed)")
            let version = try await Machine.run([link.string, "--version"], in: f.context)
            #expect(version.status == 0 && version.outputText.contains("Docker Compose version"), "\(version)")
        }
        try await install { _, share in
            #expect(!fileExists(share.removingLastComponent().pushing("bin/docker-compose")))
        }
    }

    @Test("man shows the manual page without a warning", .enabled(if: Machine.has("man"), "needs man-db"))
    func manual() async throws {
        try await install { f, share in
            let shown = try await Machine.run(
                ["man", "--warnings", "-l", share.pushing("man/man1/swiftbuild.1").string],
                environment: ["MANWIDTH": "100", "MANPAGER": "cat"],
                in: f.scratch
            )
            #expect(shown.status == 0 && shown.errors.isEmpty, "\(shown.errors)")
            #expect(shown.outputText.contains("--keep-storage"))
        }
    }

    private func parse(_ shell: String) async throws {
        try await install { f, share in
            let script = share.pushing(FilePath(try #require(Self.completions[shell])))
            let parsed = try await Machine.run([shell, "-n", script.string], in: f.scratch)
            #expect(parsed.status == 0, "\(parsed)")
        }
    }

    @Test("zsh reads its completions", .enabled(if: Machine.has("zsh"), "needs zsh"))
    func zsh() async throws { try await parse("zsh") }

    @Test("fish reads its completions", .enabled(if: Machine.has("fish"), "needs fish"))
    func fish() async throws { try await parse("fish") }

    @Test("bash reads its completions, and completes a command", .enabled(if: Machine.has("bash"), "needs bash"))
    func bash() async throws {
        try await parse("bash")
        try await install { f, share in
            let script = """
                source \(share)/bash-completion/completions/swiftbuild
                COMP_WORDS=(swiftbuild pru); COMP_CWORD=1; COMP_LINE='swiftbuild pru'; COMP_POINT=14
                _swiftbuild swiftbuild pru swiftbuild; echo "${COMPREPLY[@]}"
                """
            let completed = try await Machine.run(["bash", "-c", script], in: f.scratch)
            #expect(completed.line == "prune", "\(completed)")
        }
    }
}
