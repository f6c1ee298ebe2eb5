internal import FileSystem
internal import SystemPackage

/// The tar of a layer, as the device on which contents are.
struct ErofsTar {
    /// In bytes.
    let size: Int64
    private let file: OpenFile?
    private let fileHoles: FileHoles?

    /// One that has no holes.
    init(size: Int64) { (self.size, file, fileHoles) = (size, nil, nil) }

    init(_ path: FilePath, size: Int64) throws(SystemError) {
        let file = OpenFile(try OwnedDescriptor(regularFile: path))
        (self.size, self.file, fileHoles) = (size, file, FileHoles(of: file.descriptor))
    }

    /// Where in a part of the tar the file has holes, which read as zeros.
    func holes(in range: Range<Int64>) -> [Range<Int64>] {
        guard let fileHoles else { return [] }
        var result: [Range<Int64>] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let end = fileHoles.endOfHole(at: position, limit: range.upperBound)
            if end > position { result.append(position..<end) }
            position = fileHoles.endOfData(at: end, limit: range.upperBound)
        }
        return withExtendedLifetime(file) { result }
    }
}
