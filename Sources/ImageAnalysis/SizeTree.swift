internal import Tar

/// How many bytes of content a layer has in each directory, its own files included.
public struct SizeTree: Sendable {
    /// The last component; empty for the root.
    public let name: [UInt8]
    public let isDirectory: Bool
    /// The bytes of all files here and below.
    public private(set) var bytes: Int64 = 0
    /// Those of them that cannot be seen in the image.
    public private(set) var wastedBytes: Int64 = 0
    /// Largest first; what has no bytes is left out.
    public private(set) var children: [SizeTree] = []

    private init(name: [UInt8], isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }

    private struct File {
        let components: [ArraySlice<UInt8>]
        let size: Int64
        let isWasted: Bool
    }

    /// The tree of what a layer adds and changes.
    ///
    /// - Parameters:
    ///   - changes: In the order of their paths.
    ///   - wasted: The paths whose content cannot be seen.
    init(_ changes: [LayerChange], wasted: Set<PathInRoot>) {
        self.init(name: [], isDirectory: true)
        let files = changes.filter { $0.kind != .removed && $0.entry.kind == .regular && $0.entry.size > 0 }.map {
            File(components: $0.path.components, size: $0.entry.size, isWasted: wasted.contains($0.path))
        }
        fill(files[...], depth: 0)
    }

    /// Takes in the files at and below one path.
    private mutating func fill(_ files: ArraySlice<File>, depth: Int) {
        var rest = files
        while let first = rest.first {
            guard first.components.count > depth else {
                bytes = bytes.addingReportingOverflow(first.size).partialValue
                if first.isWasted { wastedBytes &+= first.size }
                rest.removeFirst()
                continue
            }
            let name = first.components[depth]
            let end = rest.firstIndex { $0.components.count <= depth || $0.components[depth] != name } ?? rest.endIndex
            var child = SizeTree(name: Array(name), isDirectory: first.components.count > depth + 1)
            child.fill(rest[..<end], depth: depth + 1)
            rest = rest[end...]
            bytes = bytes.addingReportingOverflow(child.bytes).partialValue
            wastedBytes &+= child.wastedBytes
            children.append(child)
        }
        // The order of names decides between equals, since sorting keeps it.
        children.sort { $0.bytes > $1.bytes }
    }
}
