import BuildRecords
import CommandSupport
import Distribution
import Glibc
import Images
import Layers
import Reporting
import TerminalUI

extension OpenedImage {
    /// Which lines of a Dockerfile made its layers.
    var places: DockerfilePlaces {
        DockerfilePlaces(ofImage: image.id, layers: content.layers.map(\.diffID), in: images.store)
    }

    /// Opens what a user calls an image; how one is pulled is shown on a terminal.
    init(_ name: String, in images: ImageStore) async throws {
        let location = try ImageLocation(parsing: name)
        guard case .registry = location else {
            try await self.init(name, at: location, in: images) { _ in }
            return
        }
        let progress = TransferProgress(isQuiet: !Terminal.isTerminal(STDERR_FILENO))
        defer { progress.finish() }
        self = try await Signals.cancelling {
            try await OpenedImage(name, at: location, in: images) { progress.show($0) }
        }
    }
}

/// A file or directory in an image, as `IMAGE:/path` names it.
struct ImagePath: Sendable {
    let image: String
    let path: String?

    init(parsing text: String) { (image, path) = ImageLocation.splitPath(text) }

    /// The path, where there has to be one.
    ///
    /// - Throws: `UserError` with the code for wrong use.
    func requiredPath() throws -> String {
        guard let path else {
            throw UserError(
                "`\(image)` names no file of an image",
                hints: ["write IMAGE:/PATH, with an absolute path"],
                status: .usage
            )
        }
        return path
    }
}
