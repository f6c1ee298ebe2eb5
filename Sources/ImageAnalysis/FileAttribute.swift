public import Layers
public import Tar

/// In what two files of images can differ; times are left out, since every build sets them.
public enum FileAttribute: String, Sendable, CaseIterable {
    /// A file became a directory, or the like.
    case type
    case content
    /// The twelve permission bits; those of symbolic links mean nothing.
    case mode
    case owner
    /// Where a symbolic link leads.
    case link
    /// The number of a device file.
    case device
    /// Extended attributes.
    case xattrs

    /// In what two entries differ, empty where they are the same.
    ///
    /// Both are files and not further names of files: see `MergedView.withAttributes(_:)`.
    public static func differences(_ left: LayerEntry, _ right: LayerEntry) -> [FileAttribute] {
        allCases.filter { attribute in
            switch attribute {
            case .type: left.kind != right.kind
            case .content:
                left.kind == .regular && right.kind == .regular
                    && (left.size != right.size || left.contentDigest != right.contentDigest)
            case .mode:
                left.permissions != right.permissions
                    && (left.kind != .symbolicLink || right.kind != .symbolicLink)
            case .owner: left.userID != right.userID || left.groupID != right.groupID
            case .link: left.kind == .symbolicLink && right.kind == .symbolicLink && left.linkTarget != right.linkTarget
            case .device:
                left.kind == right.kind
                    && (left.deviceMajor != right.deviceMajor || left.deviceMinor != right.deviceMinor)
            case .xattrs: left.extendedAttributes != right.extendedAttributes
            }
        }
    }
}

extension MergedView {
    /// The entry as a file of its own where it is a further name of one.
    public func withAttributes(_ node: Node) -> LayerEntry {
        guard node.entry.kind == .hardLink, var file = file(of: node)?.entry else { return node.entry }
        file.path = node.entry.path
        return file
    }
}
