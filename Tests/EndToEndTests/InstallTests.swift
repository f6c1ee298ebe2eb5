internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("make install")
struct InstallTests {
    @Test("installs the binary, a manual page of all commands, and completions that shells read")
    func install() async throws {
        try await BuildFixture.with { f in
            let root = f.scratch.appending("root")
            let result = try await Machine.run(
                [
                    "make", "-C", Machine.repository.string, "install", "DESTDIR=\(root)", "PREFIX=/usr",
                    "BINARY=\(Machine.binary)",
                ],
                in: f.scratch
            )
            try #require(result.status == 0, "\(result)")
            let share = root.pushing("usr/share")
            #expect(fileExists(root.pushing("usr/bin/swiftbuild")))
            func text(_ path: String) throws -> String {
                String(decoding: try readFile(share.pushing(FilePath(path))), as: UTF8.self)
            }
            let page = try text("man/man1/swiftbuild.1")
            #expect(page.hasPrefix(".TH SWIFTBUILD 1"))
            for command in ["build", "images", "prune", "df", "doctor", "context ls", "debug tables"] {
                #expect(page.contains(".SS swiftbuild \(command.replacing("-", with: "\\-"))\n"), "\(command)")
            }
            if Machine.has("man") {
                let shown = try await Machine.run(
                    ["man", "--warnings", "-l", share.pushing("man/man1/swiftbuild.1").string],
                    environment: ["MANWIDTH": "100", "MANPAGER": "cat"],
                    in: f.scratch
                )
                #expect(shown.status == 0 && shown.errors.isEmpty, "\(shown.errors)")
                #expect(shown.outputText.contains("--keep-storage"))
            }
            for (shell, path) in [
                ("bash", "bash-completion/completions/swiftbuild"), ("zsh", "zsh/site-functions/_swiftbuild"),
                ("fish", "fish/vendor_completions.d/swiftbuild.fish"),
            ] {
                #expect(try text(path).contains("prune"), "\(path)")
                guard Machine.has(shell) else { continue }
                let parsed = try await Machine.run([shell, "-n", share.pushing(FilePath(path)).string], in: f.scratch)
                #expect(parsed.status == 0, "\(parsed)")
            }
            guard Machine.has("bash") else { return }
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
