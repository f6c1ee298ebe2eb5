internal import FileSystem
internal import Reporting

extension ContextDirectory {
    /// How much of a context is looked at for the sake of an error message.
    private static let searchLimit = 5000

    /// A path that exists and is probably meant by one that does not.
    func suggestion(for components: [[UInt8]], missing name: [UInt8], in directory: [[UInt8]]) -> [UInt8]? {
        if let similar = similarName(to: name, in: directory) {
            // What comes after the misspelt component may exist as it was written.
            let rest = components.lastIndex(of: name).map { Array(components[($0 + 1)...]) } ?? []
            let whole = directory + [similar] + rest
            if !rest.isEmpty, (try? existing(whole)) ?? nil != nil, !isIgnored(whole) { return PathText.joined(whole) }
            return PathText.joined(directory + [similar])
        }
        guard let last = components.last else { return nil }
        return search(for: last)
    }

    private func isIgnored(_ path: [[UInt8]]) -> Bool {
        ignoreFile.ignores(PathText.joined(path))
    }

    private func similarName(to name: [UInt8], in directory: [[UInt8]]) -> [UInt8]? {
        guard let names = try? FileOperations.names(in: filePath(PathText.joined(directory))), name.count <= 255 else {
            return nil
        }
        var best: (distance: Int, name: [UInt8])?
        for candidate in names.prefix(ContextDirectory.searchLimit) {
            guard abs(candidate.count - name.count) <= max(1, name.count / 3) else { continue }
            let distance = SpellingSuggestion.distance(
                name.map(ContextDirectory.folded),
                candidate.map(ContextDirectory.folded)
            )
            guard distance <= max(1, name.count / 3), distance < max(name.count, candidate.count) else { continue }
            if let best,
                best.distance < distance
                    || (best.distance == distance && best.name.lexicographicallyPrecedes(candidate))
            {
                continue
            }
            if isIgnored(directory + [candidate]) { continue }
            best = (distance, candidate)
        }
        return best?.name
    }

    /// Looks for a base name, level by level.
    private func search(for name: [UInt8]) -> [UInt8]? {
        var level: [[UInt8]] = [[]]
        var seen = 0
        while !level.isEmpty {
            var next: [[UInt8]] = []
            for directory in level {
                guard let names = try? FileOperations.names(in: filePath(directory)) else { continue }
                for candidate in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                    seen += 1
                    guard seen <= ContextDirectory.searchLimit else { return nil }
                    let path = PathText.appending(candidate, to: directory)
                    if ignoreFile.ignores(path) { continue }
                    if candidate == name { return path }
                    if FileStatus.ifPresent(filePath(path))?.kind == .directory { next.append(path) }
                }
            }
            level = next
        }
        return nil
    }

    /// Lower case for ASCII: names are bytes.
    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
