internal import Glibc
internal import TerminalUI

/// What a command tells about the containers, networks and volumes of a project, as Docker Compose's plain progress
/// does: a line for each thing done, on standard error.
enum ProjectProgress {
    enum Subject: String {
        case container = "Container"
        case network = "Network"
        case volume = "Volume"
        case image = "Image"
    }

    static func show(_ subject: Subject, _ name: String, _ what: String) {
        Terminal.write(" \(subject.rawValue) \(Terminal.safe(output: name))  \(what)\n", to: STDERR_FILENO)
    }

    static func note(_ text: String) {
        Terminal.write("note: \(Terminal.safe(output: text))\n", to: STDERR_FILENO)
    }

    static func warn(_ text: String) {
        Terminal.write("warning: \(Terminal.safe(output: text))\n", to: STDERR_FILENO)
    }
}
