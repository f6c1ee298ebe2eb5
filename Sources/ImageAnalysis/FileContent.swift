internal import FileSystem
public import Layers
public import SystemPackage
internal import Tar

/// The content of one file of an image, links followed inside the image.
public struct FileContent {
    private let file: MergedView.Node
    private let files: LayerStack

    /// - Throws: `AnalysisError.notFound`, `.noFile`, `LayerError`.
    public init(_ path: String, of files: LayerStack) throws {
        let wanted = PathInRoot(path)
        guard let node = try files.view.resolve(wanted).node else { throw AnalysisError.notFound(wanted) }
        guard let file = files.view.file(of: node) else {
            let what =
                switch node.entry.kind {
                case .directory: "a directory"
                case .characterDevice, .blockDevice: "a device"
                case .fifo: "a named pipe"
                case .regular, .hardLink, .symbolicLink, .whiteout: "a broken link"
                }
            throw AnalysisError.noFile(wanted, what: what)
        }
        self.file = file
        self.files = files
    }

    /// Writes all of it to an open file, which errors call `path`.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    public func write(to descriptor: Int32, path: FilePath) throws {
        let contents = try files.contents(ofLayer: file.layer)
        let place = try contents.place(of: file.entry)
        let copied = try withExtendedLifetime(contents) {
            try FileOperations.copy(
                from: place.descriptor,
                offset: place.offset,
                size: file.entry.size,
                to: descriptor,
                path: path
            )
        }
        guard copied == file.entry.size else { throw LayerError.shortContent(FilePath(file.entry.path.description)) }
    }
}
