internal import Foundation
internal import SystemPackage
internal import Testing

/// A terminal of its own on which commands run, and what can be read on it.
private struct Screen {
    let fixture: BuildFixture
    private let socket: FilePath

    init(_ fixture: BuildFixture, columns: Int, rows: Int, _ command: String) async throws {
        self.fixture = fixture
        socket = fixture.scratch.appending("tmux")
        try await tmux("-f", "/dev/null", "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", command)
    }

    @discardableResult
    private func tmux(_ arguments: String...) async throws -> String {
        let result = try await Machine.run(
            ["tmux", "-S", socket.string] + arguments,
            environment: fixture.environment.merging(["TERM": "xterm-256color"]) { $1 },
            in: fixture.context
        )
        guard result.status == 0 else { throw TestFailure("\(result)") }
        return result.outputText
    }

    /// What is on the screen, and above it.
    func text() async throws -> String { try await tmux("capture-pane", "-p", "-S", "-1000") }

    func type(_ key: String) async throws { try await tmux("send-keys", key) }

    func resize(_ columns: Int, _ rows: Int) async throws {
        try await tmux("resize-window", "-x", "\(columns)", "-y", "\(rows)")
    }

    /// Waits until something can be read.
    func wait(for text: String) async throws -> String {
        var last = ""
        for _ in 0..<600 {
            last = try await self.text()
            if last.contains(text) { return last }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestFailure("`\(text)` never appeared in:\n\(last)")
    }

    func end() async throws { _ = try? await tmux("kill-server") }
}

@Suite(
    "The live view",
    .enabled(if: Machine.canRun && Machine.has("tmux"), "needs root, busybox-static and tmux")
)
struct LiveViewTests {
    private func onScreen(
        columns: Int = 80,
        rows: Int = 24,
        _ dockerfile: String,
        environment: String = "",
        _ body: (BuildFixture, Screen) async throws -> Void
    ) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let file = try f.dockerfile(dockerfile)
            let command = "\(environment) \(Machine.binary) -f \(file) -t app . ; echo ended with $?; sleep 600"
            let screen = try await Screen(f, columns: columns, rows: rows, command)
            do {
                try await body(f, screen)
                try await screen.end()
            } catch {
                try await screen.end()
                throw error
            }
        }
    }

    /// The lines of steps that run.
    ///
    /// tmux tells a new size late: what it broke into pieces meanwhile has no time at its end.
    private static func liveLines(_ screen: String) -> [Substring] {
        screen.split(separator: "\n").filter { $0.hasPrefix("▸") && $0.hasSuffix("s") }
    }

    /// Waits for a file of the cache mount that is shared with the test.
    private static let waiting = "while [ ! -e /gate/open ]; do sleep 0.05; done"

    private func open(_ f: BuildFixture) async throws {
        let mounts = f.store.appending("mounts-v1").string
        // The step is shown before its mounts are prepared.
        var names: [String] = []
        try await waitUntil {
            names = try FileManager.default.contentsOfDirectory(atPath: mounts)
                .filter { FileManager.default.fileExists(atPath: "\(mounts)/\($0)/fs") }
            return !names.isEmpty
        }
        for name in names {
            try Data().write(to: URL(fileURLWithPath: "\(mounts)/\(name)/fs/open"))
        }
    }

    @Test("shows what runs with its time and output, survives resizing, and ends with a summary")
    func view() async throws {
        try await onScreen(
            "FROM base\nRUN --mount=type=cache,target=/gate echo first line; printf 'mov\\033[2Jed\\n'; \(Self.waiting)"
        ) { f, screen in
            let live = try await screen.wait(for: "  0 | moved\n▸")
            #expect(live.contains("✓ [0 1/2] FROM base"), "\(live)")
            #expect(live.contains("  0 | first line\n  0 | moved\n"), "\(live)")
            #expect(
                live.split(separator: "\n").contains { $0.hasPrefix("▸ [0 2/2] RUN") && $0.hasSuffix("s") },
                "\(live)"
            )
            for (columns, rows) in [(20, 10), (120, 40), (40, 5), (80, 24)] {
                try await screen.resize(columns, rows)
                try await Task.sleep(for: .milliseconds(400))
            }
            let resized = try await screen.wait(for: "▸")
            #expect(Self.liveLines(resized).count == 1, "\(resized)")
            #expect(resized.contains("✓ [0 1/2] FROM base base\n  0 | first line\n  0 | moved\n"), "\(resized)")
            try await open(f)
            let end = try await screen.wait(for: "ended with 0")
            #expect(end.contains("1 steps: 1 ran, 0 cached"), "\(end)")
            #expect(Self.liveLines(end).isEmpty, "\(end)")
        }
    }

    @Test("fits on 20 columns")
    func narrow() async throws {
        try await onScreen(
            columns: 20,
            rows: 10,
            "FROM base\nRUN --mount=type=cache,target=/gate \(Self.waiting); echo a line that is longer than the terminal is wide"
        ) { f, screen in
            let live = try await screen.wait(for: "1/2 steps")
            let lines = live.split(separator: "\n")
            #expect(lines.contains { $0.hasPrefix("▸ ") && $0.hasSuffix("s") && $0.count < 20 }, "\(live)")
            try await open(f)
            let end = try await screen.wait(for: "ended with 0")
            #expect(end.replacing("\n", with: "").contains("a line that is longer than the terminal is wide"), "\(end)")
            #expect(!end.contains("▸"))
        }
    }

    @Test("goes away when interrupted, and a dumb terminal has the transcript")
    func interruptedAndDumb() async throws {
        try await onScreen("FROM base\nRUN --mount=type=cache,target=/gate \(Self.waiting)") { _, screen in
            _ = try await screen.wait(for: "1/2 steps")
            try await screen.type("C-c")
            let end = try await screen.wait(for: "ended with 130")
            #expect(!end.contains("▸") && end.contains("interrupted"), "\(end)")
        }
        try await onScreen("FROM base\nRUN echo out", environment: "TERM=dumb") { _, screen in
            let end = try await screen.wait(for: "ended with 0")
            #expect(end.contains("Step 2/2 : RUN echo out") && !end.contains("✓"), "\(end)")
        }
    }

    @Test("shows each of several stages with its last line, and takes little of the processor")
    func parallel() async throws {
        try await onScreen(
            """
            FROM base AS one
            RUN --mount=type=cache,target=/gate echo from one; \(Self.waiting)
            FROM base AS two
            RUN --mount=type=cache,target=/gate echo from two; \(Self.waiting)
            FROM one
            COPY --from=two /etc/passwd /passwd
            """
        ) { f, screen in
            _ = try await screen.wait(for: "▸ [two")
            let live = try await screen.wait(for: "    from one")
            #expect(live.contains("▸ [one 2/6] RUN") && live.contains("3 stages"), "\(live)")
            try await open(f)
            let end = try await screen.wait(for: "ended with 0")
            #expect(end.contains("  one | from one") && end.contains("  two | from two"), "\(end)")
        }
    }
}
