internal import FileSystem
internal import Layers
internal import OCI
internal import Reporting
internal import Tar

/// Finds how the files of two layers differ, of which times do not count.
struct FileComparison {
    /// Whether owners count; they do not where the steps themselves ask for different ones.
    var comparesOwners = true
    var comparesModes = true

    /// The number of files whose differences are reported.
    static let shownCount = 10

    /// Goes along both at once.
    ///
    /// - Parameter new: In ascending order of paths.
    func differences(from old: LayerIndex, to new: any Sequence<LayerEntry>) -> FileDifferences {
        var result = FileDifferences()
        func take(_ differences: [FileDifference]) {
            guard !differences.isEmpty else { return }
            result.count += 1
            if result.count <= FileComparison.shownCount { result.first += differences }
        }
        var position = 0
        func visit(_ entry: LayerEntry) {
            while position < old.count {
                let known = old[position]
                guard known.path < entry.path else { break }
                take([difference(.removed, known.path)])
                position += 1
            }
            guard position < old.count, old[position].path == entry.path else {
                return take([difference(.added, entry.path)])
            }
            take(differences(old[position], entry))
            position += 1
        }
        for entry in new { visit(entry) }
        while position < old.count {
            take([difference(.removed, old[position].path)])
            position += 1
        }
        return result
    }

    private func difference(
        _ change: FileDifference.Change,
        _ path: PathInRoot,
        _ old: String? = nil,
        _ new: String? = nil
    ) -> FileDifference {
        FileDifference(path: "/" + EscapedText.escaped(path.bytes), change: change, old: old, new: new)
    }

    private func differences(_ old: LayerEntry, _ new: LayerEntry) -> [FileDifference] {
        // Of directories that the layer does not list, nothing is known.
        guard !old.isImplied, !new.isImplied else { return [] }
        let path = new.path
        guard old.kind == new.kind || (old.isFile && new.isFile) else {
            return [difference(.kind, path, old.kind.name, new.kind.name)]
        }
        var result: [FileDifference] = []
        if new.isFile, old.size != new.size || old.contentDigest != new.contentDigest {
            result.append(difference(.content, path, old.contentDigest?.description, new.contentDigest?.description))
        }
        if comparesModes, old.kind != .symbolicLink, old.permissions != new.permissions {
            result.append(difference(.mode, path, old.modeText, new.modeText))
        }
        if comparesOwners, (old.userID, old.groupID) != (new.userID, new.groupID) {
            result.append(difference(.owner, path, "\(old.userID):\(old.groupID)", "\(new.userID):\(new.groupID)"))
        }
        if old.kind == .symbolicLink, old.linkTarget != new.linkTarget {
            let (old, new) = (
                String(decoding: old.linkTarget, as: UTF8.self), String(decoding: new.linkTarget, as: UTF8.self)
            )
            result.append(difference(.link, path, old, new))
        }
        if old.extendedAttributes != new.extendedAttributes
            || (old.deviceMajor, old.deviceMinor) != (new.deviceMajor, new.deviceMinor)
        {
            result.append(difference(.attributes, path))
        }
        return result
    }
}

extension LayerEntry {
    /// Four octal digits at least.
    fileprivate var modeText: String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
    }
}

extension LayerEntry.Kind {
    fileprivate var name: String {
        switch self {
        case .regular, .hardLink: "file"
        case .directory: "directory"
        case .symbolicLink: "symbolic link"
        case .characterDevice, .blockDevice: "device"
        case .fifo: "fifo"
        case .whiteout: "removal"
        }
    }
}
