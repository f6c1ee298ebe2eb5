internal import FileSystem
internal import Glibc
internal import Layers
internal import SystemPackage
internal import Tar

/// The directories below a workspace as overlayfs merges them, looked up parents first.
struct DirectoriesBelow {
    private let lower: [SnapshotStore.Snapshot]
    private let upper: FilePath
    /// For each directory seen, the snapshots that are merged in it, topmost first.
    private var merged: [PathInRoot: [Int]]

    init(_ lower: [SnapshotStore.Snapshot], below upper: FilePath) {
        (self.lower, self.upper) = (lower, upper)
        merged = [.root: lower.indices.reversed()]
    }

    /// Whether a directory of the upper one is below with the same owner, mode and attributes.
    ///
    /// Must be asked for every directory in the upper one, parents first: what an opaque directory, a whiteout or a
    /// file hides is not below, and no path is looked up through a symbolic link, which may lead anywhere.
    mutating func hasEqual(_ entry: LayerEntry, _ status: FileStatus) -> Bool {
        // With what is recorded of the owner, which the entry has no more.
        let upper = upper.appending(bytes: entry.path.bytes)
        let kept = DirectoriesBelow.attributes(upper)?.kept ?? entry.extendedAttributes
        var holders: [Int] = []
        var isEqual: Bool?
        for position in entry.isOpaque ? [] : merged[entry.path.parent] ?? [] {
            let path = lower[position].files.appending(bytes: entry.path.bytes)
            guard let below = FileStatus.ifPresent(path) else { continue }
            guard below.kind == .directory, let found = DirectoriesBelow.attributes(path) else { break }
            isEqual =
                isEqual
                ?? (below.permissions == status.permissions && below.userID == status.userID
                    && below.groupID == status.groupID && found.kept == kept)
            holders.append(position)
            if found.isOpaque { break }
        }
        merged[entry.path] = holders
        return isEqual ?? false
    }

    private static func attributes(_ path: FilePath) -> (kept: [ExtendedAttribute], isOpaque: Bool)? {
        do throws(SystemError) {
            let directory = try OwnedDescriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            return TreeReader.extendedAttributes(of: [CChar(bitPattern: UInt8(ascii: ".")), 0], in: directory.rawValue)
        } catch {
            // Attributes of a directory that the user may not read cannot be read either.
            return error.errno == .permissionDenied ? ([], false) : nil
        }
    }
}
