internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("Reports")
struct ReportTests {
    private static let hostile = "<img src=x onerror=document.title='taken'>"

    /// A build of three stages with a miss, waste and names that would be markup; the page is `report.html`.
    private func makePage(_ f: BuildFixture) async throws {
        try f.write("tree/\(Self.hostile)", bytes: Array(repeating: 1, count: 3000))
        try f.write("tree/\u{1B}[2J", "x")
        for name in 0..<30 { try f.write("tree/many/\(name)", bytes: Array(repeating: 2, count: 100 * name)) }
        let dockerfile = """
            FROM scratch AS first
            COPY tree /first
            FROM scratch AS unused
            COPY tree /unused
            FROM scratch
            ARG VERSION=1
            ENV TITLE="\(Self.hostile)" PATH=/usr/bin
            LABEL version=$VERSION
            COPY --from=first /first /app
            COPY --chmod=600 tree/many /app/many
            CMD ["\(Self.hostile)"]
            """
        _ = try await f.build(dockerfile)
        try f.write("tree/many/3", "changed")
        _ = try await f.build(dockerfile)
        try await f.succeed("report", "-o", "report.html")
    }

    @Test("of the last build, of an image, of a build and of what is no build of ours have what is known")
    func subjects() async throws {
        try await BuildFixture.with { f in
            #expect(try await f.swiftbuild("report", "-o", "none.html").status == 1)
            try await makePage(f)
            let page = String(decoding: try readFile(f.context.appending("report.html")), as: UTF8.self)
            for expected in [
                "<h1>image-under-test:latest</h1>", ">Timeline<", "1 file differs",
                "skipped: the target does not need it", "Layer 2",
                "&lt;img src=x onerror=document.title=&#39;taken&#39;&gt;", "\\u{1b}[2J", "line 10",
            ] {
                #expect(page.contains(expected), "\(expected)")
            }
            #expect(!page.contains("<img") && !page.contains("\u{1B}"))
            let named = try await f.succeed("report", "image-under-test:latest").outputText
            #expect(named == page)
            let builds = try FileManager.default.contentsOfDirectory(atPath: f.store.appending("builds-v1").string)
                .sorted()
            let first = try await f.succeed("report", try #require(builds.first)).outputText
            #expect(first != page && first.contains("no similar step has been built before"))
            // A build that gave no image.
            _ = try await f.buildFailing("FROM scratch\nCOPY missing /")
            let failed = try await f.succeed("report").outputText
            #expect(failed.contains(">failed<") && !failed.contains("id=\"layers\""))
            try await f.succeed("report", "-o", "/dev/null")
            try await f.succeed("save", "-o", "saved.tar", "image-under-test")
            let other = f.scratch.appending("other").string
            let archive = try await f.succeed("report", "--root", other, "docker-archive:saved.tar").outputText
            #expect(archive.contains("id=\"layers\"") && !archive.contains("id=\"timeline\""))
            #expect(try await f.swiftbuild("report", "missing").status == 1)
            #expect(try await f.swiftbuild("report", "-o", ".").status == 1)
            #expect(try await f.swiftbuild("report", "-o", "none/x.html").status == 3)
        }
    }

    /// What a browser makes of the page at a width.
    private struct Measure: Decodable {
        var width: Int
        /// Of everything, what is scrolled sideways included.
        var contentWidth: Int
        var title: String
        var scripts: Int
        var images: Int
        /// The lowest contrast of any text with what is behind it, and that text.
        var contrast: Double
        var palest: String
        var background: String
        /// Links and the like that the tabulator reaches, and those without a visible mark when it does.
        var stops: Int
        var unmarked: Int
        var brokenLinks: Int
    }

    private static let harness = #"""
        <!DOCTYPE html><meta charset="utf-8"><body>
        <iframe src="report.html" style="width:390px;height:2000px"></iframe>
        <iframe src="report.html" style="width:1200px;height:2000px"></iframe>
        <pre id="result"></pre>
        <script>
        const numbers = color => (color.match(/[\d.]+/g) || []).map(Number);
        function luminance([r, g, b]) {
          const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
        }
        function behind(element, view) {
          for (let e = element; e; e = e.parentElement) {
            const color = numbers(view.getComputedStyle(e).backgroundColor);
            if (color.length === 3 || color[3] > 0) return color;
          }
          return [255, 255, 255];
        }
        function measure(frame) {
          const doc = frame.contentDocument, view = frame.contentWindow, root = doc.documentElement;
          doc.querySelectorAll('details').forEach(d => d.open = true);
          let contrast = 21, palest = '';
          const walker = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
            const [one, other] = [luminance(numbers(view.getComputedStyle(element).color)), luminance(behind(element, view))];
            const found = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            if (found < contrast) [contrast, palest] = [found, walker.currentNode.data];
          }
          const stops = [...doc.querySelectorAll('a[href], summary, [tabindex="0"]')];
          let unmarked = 0;
          for (const stop of stops) {
            stop.focus({focusVisible: true});
            const style = view.getComputedStyle(stop);
            if (doc.activeElement !== stop || style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) unmarked++;
          }
          const links = [...doc.querySelectorAll('a[href]')].map(a => a.getAttribute('href'));
          return {
            width: root.clientWidth, contentWidth: root.scrollWidth, title: doc.title,
            scripts: doc.scripts.length, images: doc.images.length, contrast, palest,
            background: view.getComputedStyle(doc.body).backgroundColor, stops: stops.length, unmarked,
            brokenLinks: links.filter(l => !l.startsWith('#') || !doc.getElementById(l.slice(1))).length
          };
        }
        addEventListener('load', () => {
          document.getElementById('result').textContent = JSON.stringify([...document.querySelectorAll('iframe')].map(measure));
        });
        </script>
        """#

    private func chromium(_ f: BuildFixture, _ flags: [String]) async throws -> CommandResult {
        let profile = f.scratch.appending("profile-\(UUID().uuidString)").string
        let result = try await Machine.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--allow-file-access-from-files", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=\(profile)",
            ] + flags,
            in: f.scratch
        )
        try #require(result.status == 0, "\(result)")
        return result
    }

    @Test(
        "in a browser fit a phone and a desk, light and dark, with good contrast, by keyboard, and run nothing",
        .enabled(if: Machine.has("chromium"), "needs chromium"),
        arguments: [(dark: false, scheme: 1), (dark: true, scheme: 0)]
    )
    func browser(dark: Bool, scheme: Int) async throws {
        try await BuildFixture.with { f in
            try await makePage(f)
            try f.write("harness.html", Self.harness)
            let address = "file://\(f.context)/harness.html"
            let flag = "--blink-settings=preferredColorScheme=\(scheme)"
            let dump = try await chromium(f, [flag, "--virtual-time-budget=5000", "--dump-dom", address]).outputText
            let start = try #require(dump.range(of: "<pre id=\"result\">")).upperBound
            let end = try #require(dump.range(of: "</pre>", range: start..<dump.endIndex)).lowerBound
            let text = dump[start..<end].replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing(
                "&amp;",
                with: "&"
            )
            let measures = try JSONDecoder().decode([Measure].self, from: Data(text.utf8))
            #expect(measures.map(\.width) == [390, 1200])
            for measure in measures {
                #expect(measure.contentWidth <= measure.width, "\(measure)")
                #expect(measure.title == "image-under-test:latest — build report")
                #expect(measure.scripts == 0 && measure.images == 0)
                #expect(measure.contrast >= 4.5, "\(measure)")
                #expect(measure.stops > 10 && measure.unmarked == 0, "\(measure)")
                #expect(measure.brokenLinks == 0, "\(measure)")
                #expect(measure.background == (dark ? "rgb(14, 18, 23)" : "rgb(255, 255, 255)"))
            }
            let picture = f.scratch.appending("page.png")
            _ = try await chromium(
                f,
                [flag, "--window-size=1200,1600", "--screenshot=\(picture)", "file://\(f.context)/report.html"]
            )
            // A page with nothing on it is a tenth of this.
            #expect(try readFile(picture).count > 40_000)
        }
    }
}
