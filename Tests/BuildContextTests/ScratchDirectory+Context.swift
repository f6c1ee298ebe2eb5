import FileSystem
import Glibc
import Reporting
import SystemPackage
import TestSupport
import Testing

@testable import BuildContext

extension ScratchDirectory {
    func context(ignoring lines: String = "") throws -> ContextDirectory {
        try ContextDirectory(path, ignoreFile: IgnoreFile(parsing: lines))
    }
}

extension IgnoreFile {
    init(parsing text: String) throws {
        try self.init(parsing: SourceText(name: ".dockerignore", text: text))
    }
}

extension ContextDirectory {
    func paths(_ source: String, wildcards: Wildcards = .path) throws -> [String] {
        try select(source: Array(source.utf8), wildcards: wildcards).map { String(decoding: $0.path, as: UTF8.self) }
    }

    func listing(_ source: String, excluding: [String] = []) throws -> [ContextListing] {
        let excluded = try IgnoreFile(patterns: excluding.map { Array($0.utf8) })
        return try select(source: Array(source.utf8), wildcards: .path).map { try list($0, excluding: [excluded]) }
    }

    func names(_ source: String, excluding: [String] = []) throws -> [String] {
        try listing(source, excluding: excluding).flatMap {
            $0.entries.map { String(decoding: $0.path, as: UTF8.self) }
        }
    }

    /// What `COPY --parents` takes.
    func parents(_ source: String, excluding: [String] = []) throws -> [String] {
        try list(ParentsSource(Array(source.utf8)), excluding: IgnoreFile(patterns: excluding.map { Array($0.utf8) }))
            .flatMap(\.entries).map { String(decoding: $0.path, as: UTF8.self) }
    }

    func missing(_ source: String) throws -> MissingSource? {
        do {
            _ = try select(source: Array(source.utf8), wildcards: .path)
            return nil
        } catch {
            guard case .missingSource(let missing) = error else { throw error }
            return missing
        }
    }
}

extension ContextListing {
    /// Everything in order.
    var entries: [ContextEntry] {
        var result: [ContextEntry] = []
        forEach { _, entry in result.append(self[entry]) }
        return result
    }
}

extension ContentFingerprint {
    /// With every file read that is not known.
    init(reading listings: [ContextListing], in context: ContextDirectory, cache: FingerprintCache) throws {
        self.init(of: listings, in: context, cache: cache)
        try readUnknown()
    }
}
