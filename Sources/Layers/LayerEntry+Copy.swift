internal import FileSystem
internal import Glibc
internal import SystemPackage
public import Tar

extension LayerEntry {
    /// The same as a file of the user's that makes no program privileged.
    public var withoutPrivileges: LayerEntry {
        var entry = self
        (entry.userID, entry.groupID) = (geteuid(), getegid())
        entry.permissions &= entry.kind == .directory ? 0o1777 : 0o777
        entry.extendedAttributes.removeAll { !$0.name.hasPrefix("user.") }
        return entry
    }
}

extension TarWriter {
    /// Writes one entry with its content.
    public func write(_ entry: LayerEntry, content: (descriptor: Int32, offset: Int64)?) throws {
        try writeHeader(entry)
        guard let content else { return }
        let path = FilePath(entry.path.description)
        try copy(descriptor: content.descriptor, offset: content.offset, size: entry.size, path: path)
        try finishContent()
    }
}
