import FileSystem
import Glibc
import SystemPackage

/// The streams to the user.
enum Terminal {
    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Colour only where somebody sees it and nobody objects (no-color.org).
    static func usesColour(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
    }

    /// Columns of a terminal; 80 where it does not tell.
    static func width(_ descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes text; a reader that has gone away is no error.
    static func write(_ text: String, to descriptor: Int32) {
        write(Array(text.utf8), to: descriptor)
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { try? FileOperations.write($0, to: descriptor, path: "standard output") }
    }

    /// Prints a line of data.
    static func print(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }
}
