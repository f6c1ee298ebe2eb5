package import Containers
import FileSystem
import Glibc
import Layers
import OCI
import Reporting
package import Tar
import TerminalUI

/// Copies files between this machine and a container, by the rules of `docker cp`; `-` is a tar.
package struct ContainerCopy: Sendable {
    /// Whether the target of a link is copied.
    let followsLink: Bool
    /// Whether files keep owners, setuid bits and devices.
    let keepsOwners: Bool

    package init(followsLink: Bool, keepsOwners: Bool) {
        (self.followsLink, self.keepsOwners) = (followsLink, keepsOwners)
    }

    /// Copies from this machine, or what standard input has.
    ///
    /// - Throws: `UserError`, `FileCopyError`, `ContainerStoreError`, `LayerError`, `SystemError`.
    package func copy(_ source: String, to path: String, of container: Container) throws {
        if source == "-" {
            guard !Terminal.isTerminal(STDIN_FILENO) else {
                throw UserError("refusing to read an archive from a terminal: redirect one", status: .usage)
            }
            let archive = try ArchiveReader(descriptor: STDIN_FILENO, name: "standard input")
            return try ContainerFiles(container).unpack(archive, into: path)
        }
        let copy = try FileCopy(source, of: nil, followsLink: followsLink, keepsOwners: keepsOwners)
        ContainerCopy.warn(about: try copy.copy(to: path, of: try ContainerFiles(container)))
    }

    /// Copies to this machine, or to standard output.
    ///
    /// - Throws: As `copy(_:to:of:)`.
    package func copy(_ path: String, of container: Container, to destination: String) throws {
        try ContainerCopy.refuseTerminal(destination)
        let files = try ContainerFiles(container)
        let copy = try FileCopy(path, of: files, followsLink: followsLink, keepsOwners: keepsOwners)
        ContainerCopy.warn(
            about: try destination == "-" ? ContainerCopy.writeTar(copy.write) : copy.copy(to: destination, of: nil)
        )
    }

    package static func refuseTerminal(_ destination: String) throws {
        guard destination == "-", Terminal.isTerminal(STDOUT_FILENO) else { return }
        throw UserError(
            "refusing to write an archive to a terminal: name a destination or redirect",
            status: .usage
        )
    }

    package static func writeTar(_ body: (any ByteSink) throws -> [PathInRoot]) throws -> [PathInRoot] {
        let sink = DescriptorSink(descriptor: STDOUT_FILENO, path: StandardOutput.name)
        var omitted: [PathInRoot] = []
        try StandardOutput.ignoringClosedPipe { omitted = try body(sink) }
        return omitted
    }

    package static func warn(about omitted: [PathInRoot]) {
        for path in omitted {
            let name = "/" + EscapedText.escaped(path.bytes)
            Terminal.write("warning: `\(name)` is a device and was left out; -a copies it\n", to: STDERR_FILENO)
        }
    }
}
