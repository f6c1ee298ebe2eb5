import BuildRecords
import Distribution
import Images
import Layers
import Reporting

extension OpenedImage {
    /// Which lines of a Dockerfile made its layers.
    var places: DockerfilePlaces {
        DockerfilePlaces(ofImage: image.id, layers: content.layers.map(\.diffID), in: images.store)
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
