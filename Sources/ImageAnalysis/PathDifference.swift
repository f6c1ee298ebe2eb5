public import Layers
public import Tar

/// A path that is in only one of two images, or not the same in both.
public struct PathDifference: Sendable {
    /// What is there in the first image, as a file of its own also where it is a further name of one.
    public let before: LayerEntry?
    public let after: LayerEntry?
    /// In what the two differ; empty where one is missing.
    public let attributes: [FileAttribute]

    public var path: PathInRoot { (after ?? before)?.path ?? .root }

    /// All differences between the files of two images, in the order of their paths.
    ///
    /// Times do not count, and neither does which names are links to one file.
    public static func all(_ before: MergedView, _ after: MergedView) -> [PathDifference] {
        var result: [PathDifference] = []
        var (left, right) = (before.nodes().makeIterator(), after.nodes().makeIterator())
        var (leftNode, rightNode) = (left.next(), right.next())
        while let path = [leftNode, rightNode].compactMap({ $0?.entry.path }).min() {
            let one = leftNode?.entry.path == path ? leftNode : nil
            let other = rightNode?.entry.path == path ? rightNode : nil
            if one != nil { leftNode = left.next() }
            if other != nil { rightNode = right.next() }
            let difference = PathDifference(one.map(before.withAttributes), other.map(after.withAttributes))
            if difference.before == nil || difference.after == nil || !difference.attributes.isEmpty {
                result.append(difference)
            }
        }
        return result
    }

    private init(_ before: LayerEntry?, _ after: LayerEntry?) {
        self.before = before
        self.after = after
        guard let before, let after else {
            attributes = []
            return
        }
        attributes = FileAttribute.differences(before, after)
    }
}
