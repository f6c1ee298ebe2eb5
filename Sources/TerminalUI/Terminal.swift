internal import FileSystem
public import Formatting
internal import Glibc
internal import OCI
internal import Reporting
internal import SystemPackage

/// The streams to the user.
public enum Terminal {
    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Colour only on a terminal, and unless the user objects (no-color.org).
    public static func usesColour(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && (ProcessEnvironment["NO_COLOR"] ?? "").isEmpty && ProcessEnvironment["TERM"] != "dumb"
    }

    /// Whether lines can be drawn again on it.
    public static func isLive(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && ProcessEnvironment["TERM"] != "dumb"
    }

    /// The size of a terminal; 80 columns and 24 rows where it does not tell.
    public static func size(_ descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Writes text.
    ///
    /// To standard output it is data, and the program ends with an error when it cannot be written; a reader that has
    /// closed the pipe is not an error.
    public static func write(_ text: String, to descriptor: Int32) {
        write(Array(text.utf8), to: descriptor)
    }

    public static func write(_ bytes: [UInt8], to descriptor: Int32) {
        if descriptor == STDOUT_FILENO { return StandardOutput.write(bytes) }
        bytes.withUnsafeBytes { try? FileOperations.write($0, to: descriptor, path: "standard error") }
    }

    /// Prints a table, as wide as a terminal allows.
    public static func print(_ table: TextTable) {
        write(table.render(width: isTerminal(STDOUT_FILENO) ? size(STDOUT_FILENO).columns : nil), to: STDOUT_FILENO)
    }

    /// Prints a document.
    public static func print(json value: some Encodable) throws {
        StandardOutput.write(
            safe(json: try CanonicalJSON.encodePretty(value), for: STDOUT_FILENO) + [UInt8(ascii: "\n")]
        )
    }

    /// JSON as it may be written to a stream: to a terminal without characters that it would obey, as other spellings of
    /// the same.
    public static func safe(json bytes: [UInt8], for descriptor: Int32) -> [UInt8] {
        isTerminal(descriptor) ? EscapedText.escaped(json: bytes) : bytes
    }

    /// A line of a process as it may be written to standard error: as it is to a file, where nothing is lost, and to a
    /// terminal without what it would obey.
    public static func safe(output line: String) -> String {
        guard isTerminal(STDERR_FILENO) else { return line }
        return TerminalText.line(Array(line.utf8), keepsColours: usesColour(STDERR_FILENO))
    }

    /// Prints a line of data.
    public static func print(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }
}
