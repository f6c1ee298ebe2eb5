import ContentStore
import Distribution
import FileSystem
import Glibc
import Images
import Layers
import OCI
import Registry
import Reporting
import SystemPackage
import TerminalUI

/// An image that is looked at, wherever it came from.
///
/// One from outside the store is taken in as blobs and gets no name, so the next `prune` removes it again.
struct OpenedImage: Sendable {
    /// As the user called it.
    let name: String
    let images: ImageStore
    let content: ImageContent
    /// Keeps what has no name from being removed.
    private let lock: FileLock

    var image: StoredImage { content.image }

    /// - Throws: `UserError`, `ImageError`, `LayerError`, `SystemError`, `CancellationError`.
    init(_ name: String, in images: ImageStore) async throws {
        self.name = name
        let location = try ImageLocation(parsing: name)
        var images = images
        if !images.isThere {
            // Only what comes from elsewhere needs a place.
            if case .store(let text) = location { _ = try OpenedImage.find(text, in: images) }
            images = try StoreLocation(images.store.root.string).open()
        }
        self.images = images
        lock = try images.store.lock(.shared)
        let image: StoredImage
        switch location {
        case .store(let text): image = try OpenedImage.find(text, in: images)
        case .file(let path, let selector): image = try OpenedImage.load(path, selector, into: images)
        case .registry(let reference): image = try await OpenedImage.fetch(reference, into: images)
        }
        content = try images.content(of: image)
    }

    /// The files of the image.
    func files() throws -> LayerStack { try LayerStack(content.layers, in: images.layers) }

    private static func find(_ text: String, in images: ImageStore) throws -> StoredImage {
        do {
            return try images.find(text)
        } catch let error as ImageError {
            guard case .notFound = error, let kind = FileStatus.ifPresent(FilePath(text))?.kind else { throw error }
            let transport = kind == .directory ? "oci" : "oci-archive"
            throw UserError("\(error)", hints: ["to read the file of that name, write `\(transport):\(text)`"])
        }
    }

    private static func load(_ path: FilePath, _ selector: LayoutSelector, into images: ImageStore) throws
        -> StoredImage
    {
        do {
            return try images.load(path, selecting: selector)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            throw UserError("\(error)")
        }
    }

    private static func fetch(_ reference: ImageReference, into images: ImageStore) async throws -> StoredImage {
        let progress = TransferProgress(isQuiet: !Terminal.isTerminal(STDERR_FILENO))
        defer { progress.finish() }
        return try await Signals.cancelling {
            try await ImagePuller(.shared, into: images) { progress.show($0) }
                .pull(reference, platform: .host, isNamed: false).image
        }
    }
}

extension ImageStore {
    /// Whether the store was ever made.
    var isThere: Bool { FileStatus.ifPresent(store[.locks]) != nil }
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
