import FileSystem
import Glibc
import Images
import OCI
import SystemPackage

/// The streams to the user.
enum Terminal {
    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Colour only where somebody sees it and nobody objects (no-color.org).
    static func usesColour(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
    }

    /// Whether lines can be drawn again on it.
    static func isLive(_ descriptor: Int32) -> Bool { isTerminal(descriptor) && environment("TERM") != "dumb" }

    /// The size of a terminal; 80 columns and 24 rows where it does not tell.
    static func size(_ descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Writes text; a reader that has gone away is no error.
    static func write(_ text: String, to descriptor: Int32) {
        write(Array(text.utf8), to: descriptor)
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { try? FileOperations.write($0, to: descriptor, path: "standard output") }
    }

    /// Writes data to standard output that a reader may have enough of.
    static func ignoringClosedPipe(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as SystemError where error.errno == .brokenPipe {
            return
        }
    }

    /// Prints a table, as wide as a terminal allows.
    static func print(_ table: TextTable) {
        write(table.render(width: isTerminal(STDOUT_FILENO) ? size(STDOUT_FILENO).columns : nil), to: STDOUT_FILENO)
    }

    /// Prints a document.
    static func print(json value: some Encodable) throws {
        write(try CanonicalJSON.encodePretty(value) + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
    }

    /// Prints a line of data.
    static func print(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }
}
