internal import FileSystem
public import Layers
public import SystemPackage
public import Tar

/// A path in which files differ from those of an image, as `docker diff` has it.
public struct FileChange: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case added = "A"
        /// Also a directory in which something has changed.
        case changed = "C"
        /// With everything below it.
        case removed = "D"
    }

    public let kind: Kind
    public let path: PathInRoot

    public init(_ kind: Kind, _ path: PathInRoot) { (self.kind, self.path) = (kind, path) }
}

/// What processes have written on top of an image, in a directory that is kept.
///
/// It is compared with the indexes of the image's layers, so that nothing is mounted or unpacked for it, and a process
/// may run meanwhile.
public struct WrittenFiles: Sendable {
    let root: FilePath
    /// Whether the directory is the upper one of an overlay; otherwise it holds all files.
    let isOverlay: Bool
    let below: MergedView
    /// What is made only to mount something of the machine's on, with the directories above.
    private let mountPoints: Set<PathInRoot>
    /// Where something else is than what the container has written, with all that is below.
    private let covered: Set<PathInRoot>

    /// - Parameters:
    ///   - below: The files of the image.
    ///   - covered: Where something else is than what the container has written.
    ///   - mountPoints: Absolute paths. What is there and empty does not count, where the image has nothing.
    public init(
        _ root: FilePath,
        isOverlay: Bool,
        below: MergedView,
        covered: Set<PathInRoot>,
        mountPoints: [String]
    ) {
        (self.root, self.isOverlay, self.below, self.covered) = (root, isOverlay, below, covered)
        let paths = mountPoints.map { PathInRoot($0) }
        self.mountPoints = Set(paths + paths.flatMap(\.ancestors))
    }

    /// All changes, sorted by path; times alone are none.
    ///
    /// - Throws: `SystemError`.
    public func changes() throws -> [FileChange] {
        var kinds: [PathInRoot: FileChange.Kind] = [:]
        func note(_ kind: FileChange.Kind, _ path: PathInRoot) {
            kinds[path] = kind
            for parent in path.ancestors where kinds[parent] == nil {
                kinds[parent] = below.node(at: parent) == nil ? .added : .changed
            }
        }
        var seen: Set<PathInRoot> = []
        var region = OpaqueRegion()
        var replaced: [PathInRoot] = []
        var reader = TreeReader(root: root, whiteouts: isOverlay ? .overlay : .none, reading: .entries)
        try reader.read { entry, source in
            seen.insert(entry.path)
            if region.contains(entry), entry.kind == .directory { replaced.append(entry.path) }
            if entry.kind == .whiteout {
                if below.node(at: entry.path) != nil { note(.removed, entry.path) }
            } else if region.contains(entry) || isChanged(entry, source) {
                note(below.node(at: entry.path) == nil ? .added : .changed, entry.path)
            }
            return !isCovered(entry.path)
        }
        for path in isOverlay ? hidden(in: replaced, except: seen) : missing(seen) { note(.removed, path) }
        return kinds.sorted { $0.key < $1.key }.map { FileChange($0.value, $0.key) }
    }

    /// The paths of the image that are not there, without what lies below one of them.
    ///
    /// - Parameter seen: All paths that are.
    func missing(_ seen: Set<PathInRoot>) -> [PathInRoot] {
        var result: [PathInRoot] = []
        below.walk(.root) { node in
            if node.entry.path.isRoot || seen.contains(node.entry.path) { return true }
            if !isCovered(node.entry.path) { result.append(node.entry.path) }
            return false
        }
        return result
    }

    /// What directories that take the place of the image's do not have any more.
    private func hidden(in directories: [PathInRoot], except seen: Set<PathInRoot>) -> [PathInRoot] {
        directories.filter { below.node(at: $0)?.entry.kind == .directory }.flatMap { directory in
            below.names(in: directory).map { directory.appending($0) }.filter { !seen.contains($0) }
        }
    }

    private func isCovered(_ path: PathInRoot) -> Bool {
        !covered.isEmpty && (covered.contains(path) || path.ancestors.contains(where: covered.contains))
    }

    /// Whether something is not as the image has it; for what is in an overlay and no whiteout.
    func isChanged(_ entry: LayerEntry, _ source: TreeReader.Source) -> Bool {
        guard let node = below.node(at: entry.path) else {
            // What something is shown on was made for it, as a directory at least that stays.
            return !isMountPoint(entry)
                && (!isCovered(entry.path) || covered.contains(entry.path) && entry.kind == .directory)
        }
        if isCovered(entry.path) { return false }
        let (known, status) = (node.entry, source.status)
        guard known.permissions == status.permissions || entry.kind == .symbolicLink else { return true }
        guard (known.userID, known.groupID) == (entry.userID, entry.groupID) else { return true }
        switch entry.kind {
        case .directory: return known.kind != .directory || known.extendedAttributes != entry.extendedAttributes
        case _ where isOverlay: return true
        case .regular, .hardLink:
            guard let file = below.file(of: node)?.entry else { return true }
            return (file.size, file.modified) != (status.size, status.modifiedSeconds)
        case .symbolicLink: return known.kind != .symbolicLink || known.linkTarget != entry.linkTarget
        default: return known.kind != entry.kind
        }
    }

    private func isMountPoint(_ entry: LayerEntry) -> Bool {
        mountPoints.contains(entry.path) && (entry.kind == .directory || entry.kind == .regular && entry.size == 0)
    }
}

/// The directory, with everything in it, that the latest opaque one is.
///
/// Nothing of the layers below shows through it: all that is in it is new.
struct OpaqueRegion {
    private var top: PathInRoot?

    /// Must be asked for every entry, in their order.
    mutating func contains(_ entry: LayerEntry) -> Bool {
        if let top, entry.path.isWithin(top) { return true }
        top = entry.isOpaque ? entry.path : nil
        return top != nil
    }
}
