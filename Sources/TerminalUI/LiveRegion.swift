public import Formatting
internal import Glibc

/// The lines at the bottom of a terminal that are drawn again and again, below lines that stay.
struct LiveRegion {
    /// The columns of each line that is on the screen.
    private var widths: [Int] = []

    /// Drawing more often makes no visible difference.
    static let shortestPause = Duration.milliseconds(34)

    private var lastDraw = ContinuousClock.now - .seconds(1)

    /// Whether a frame is due.
    var isDue: Bool { lastDraw.duration(to: .now) >= LiveRegion.shortestPause }

    /// Writes lines that stay, and below them the live ones, in one go so that nothing flickers.
    ///
    /// - Parameters:
    ///   - permanent: Complete lines with their ends.
    ///   - lines: Without control characters; those that do not fit are cut. Of too many, the last ones are shown.
    mutating func draw(_ permanent: [UInt8] = [], _ lines: [String], to descriptor: Int32 = STDERR_FILENO) {
        let size = Terminal.size(descriptor)
        // One that has become narrower has broken lines into several.
        let rows = widths.reduce(0) { $0 + max(1, ($1 + size.columns - 1) / size.columns) }
        // One column stays free: some terminals go to the next line when the last one is written.
        let shown = lines.suffix(max(1, size.rows - 2)).map { TerminalText.fitting($0, max(size.columns - 1, 1)) }
        guard rows > 0 || !permanent.isEmpty || !shown.isEmpty else { return }
        // Each line by itself: of a whole screen that is erased at once tmux keeps a copy above it.
        let up = rows > 0 ? "\r\u{1B}[\(rows)A" : ""
        let erasing = up + String(repeating: "\u{1B}[K\n", count: rows) + up
        Terminal.write(
            Array(erasing.utf8) + permanent + Array(shown.map { $0 + "\n" }.joined().utf8),
            to: descriptor
        )
        widths = shown.map { TerminalText.width($0) }
        lastDraw = .now
    }

    /// Takes the live lines away.
    mutating func clear(_ permanent: [UInt8] = []) { draw(permanent, []) }
}

/// A table on standard output that is drawn again in its place.
public struct LiveTable {
    private var region = LiveRegion()

    public init() {}

    public mutating func draw(_ table: TextTable) {
        let lines = table.render().split(separator: "\n").map(String.init)
        region.draw([], lines, to: STDOUT_FILENO)
    }
}
