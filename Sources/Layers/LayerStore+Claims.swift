internal import ContentStore
internal import FileSystem
public import OCI
internal import Synchronization
internal import SystemPackage
internal import Tar

/// What others say that layers hold which are not here.
///
/// It decides where steps put their files, and nothing else. The store keeps in mind which results rest on it until the
/// layer itself comes and shows whether it was true.
extension LayerStore {
    /// The claims of one process.
    struct Claims {
        var indexes: [Digest: LayerIndex] = [:]
        /// A layer whose claim was false, and on which results rested that are gone now.
        var isFalse: Digest?
        /// The keys of results that rested on false ones.
        var refuted: Set<Digest> = []
    }

    /// Whether the result that a key had rested on what is not true, so that others may have it, too.
    public func isRefuted(_ key: Digest) -> Bool { claims.withLock { $0.refuted.contains(key) } }

    /// Takes what somebody else says that a layer holds.
    ///
    /// - Returns: Whether the bytes are an index of that layer.
    public func claim(_ bytes: [UInt8], of diffID: Digest) -> Bool {
        guard let index = LayerIndex(claim: bytes), index.diffID == diffID else { return false }
        claims.withLock { $0.indexes[diffID] = index }
        return true
    }

    /// Those of some layers of which nothing is known but what somebody else says.
    public func claimed(_ layers: [Digest]) -> [Digest] {
        let claimed = claims.withLock { claims in layers.filter { claims.indexes[$0] != nil } }
        return claimed.filter { provenIndex(of: $0) == nil }
    }

    /// Remembers that the result of a key was made as the claims of layers say.
    ///
    /// - Throws: `FalseClaim` where one of these layers has come meanwhile and is another, `SystemError`.
    public func rest(_ key: Digest, on layers: [Digest]) throws {
        for diffID in layers {
            guard let claim = claims.withLock({ $0.indexes[diffID] }) else { continue }
            let lock = try claimLock(diffID)
            defer { withExtendedLifetime(lock) {} }
            if let proven = provenIndex(of: diffID) {
                guard proven.placesDigest == claim.placesDigest else { throw FalseClaim(diffID: diffID) }
                continue
            }
            let known = (try? FileOperations.readRegular(claimPath(diffID), limit: LayerStore.claimLimit)) ?? []
            let line = "\(claim.placesDigest.hex) \(key.hex)\n"
            try FileOperations.writeAtomically(
                known + Array(line.utf8),
                to: claimPath(diffID),
                temporary: store[.temporary]
            )
        }
    }

    /// Makes sure that no claim that anything rests on has turned out to be false.
    ///
    /// - Throws: `FalseClaim`, once for each; all claims are forgotten then.
    public func checkClaims() throws(FalseClaim) {
        var (known, found) = claims.withLock { ($0.indexes, $0.isFalse) }
        known = known.filter { provenIndex(of: $0.key) != nil }
        for (diffID, claim) in known where provenIndex(of: diffID)?.placesDigest != claim.placesDigest {
            found = diffID
        }
        claims.withLock { claims in for diffID in known.keys { claims.indexes[diffID] = nil } }
        guard let found else { return }
        claims.withLock { $0 = Claims(refuted: $0.refuted) }
        throw FalseClaim(diffID: found)
    }

    /// Drops the results that rest on a claim about a layer which has another index.
    func settleClaims(_ index: LayerIndex) {
        let path = claimPath(index.diffID)
        guard FileStatus.ifPresent(path) != nil, let lock = try? claimLock(index.diffID) else { return }
        defer { withExtendedLifetime(lock) {} }
        guard let bytes = try? FileOperations.readRegular(path, limit: LayerStore.claimLimit) else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] != index.placesDigest.hex, let key = Digest(hex: words[1]) else {
                continue
            }
            try? FileOperations.remove(store[.cache].appending(key.hex))
            claims.withLock { claims in
                claims.isFalse = index.diffID
                claims.refuted.insert(key)
            }
        }
        try? FileOperations.remove(path)
    }

    /// The index of a layer as others may have it: the same bytes in every store.
    ///
    /// - Throws: What `index(of:)` throws.
    public func exportedIndex(of layer: Layer) throws -> [UInt8] {
        try index(of: layer).markedDurable().withBytes { Array($0) }
    }

    private static let claimLimit = 16 << 20

    private func claimPath(_ diffID: Digest) -> FilePath { store[.claims].appending(diffID.hex) }

    private func claimLock(_ diffID: Digest) throws -> FileLock {
        try store.lock(key: SHA256Hasher.digest(of: "claim \(diffID)"))
    }
}

/// A layer that does not hold what somebody said it does.
public struct FalseClaim: Error, CustomStringConvertible {
    public let diffID: Digest

    public var description: String { "layer \(diffID.short) does not hold what its index says" }
}

extension LayerIndex {
    /// Reads what somebody else says that a layer holds; `nil` for what no layer can hold.
    convenience init?(claim bytes: [UInt8]) {
        guard let given = LayerIndex(reading: bytes), given.tarSize >= 0 else { return nil }
        // In whatever order the entries come, and whatever parents are missing.
        self.init(entries: (0..<given.count).map { given[$0] }, diffID: given.diffID, tarSize: given.tarSize)
        guard pathBelowFile == nil else { return nil }
    }

    /// A digest of what is where, without times and contents.
    fileprivate var placesDigest: Digest {
        var encoder = LayerIndexEncoder(capacity: count)
        for position in 0..<count {
            var entry = self[position]
            (entry.modified, entry.contentOffset, entry.contentDigest) = (0, nil, nil)
            encoder.append(entry)
        }
        let index = LayerIndex(encoder, diffID: diffID, tarSize: tarSize, bootID: .durable)
        return index.withBytes { bytes in
            var hasher = SHA256Hasher()
            hasher.update(bytes)
            return hasher.finish()
        }
    }
}
