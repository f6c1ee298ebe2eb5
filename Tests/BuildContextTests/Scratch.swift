import FileSystem
import Glibc
import Reporting
import SystemPackage
import Testing

@testable import BuildContext

/// A directory for one test, gone afterwards.
final class Scratch {
    let path: FilePath

    init() throws {
        var template = Array("/tmp/swiftbuild-context-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        path = FilePath(platformString: made)
    }

    deinit { try? FileOperations.removeTree(path) }

    /// Whether files here may have extended attributes of users.
    static let keepsAttributes: Bool = {
        guard let scratch = try? Scratch(), (try? scratch.write("f", "")) != nil,
            let descriptor = try? FileOperations.open(FilePath(scratch.file("f")), O_RDONLY)
        else { return false }
        defer { close(descriptor) }
        return ExtendedAttribute(name: "user.note", value: [1]).set(on: descriptor)
    }()

    func bytes(_ name: [UInt8]) -> FilePath {
        let text = path.string.utf8.map { CChar(bitPattern: $0) } + [0x2F] + name.map { CChar(bitPattern: $0) } + [0]
        return FilePath(platformString: text)
    }

    func write(_ name: String, _ content: String = "", permissions: UInt32 = 0o644) throws {
        try write(Array(name.utf8), content, permissions: permissions)
    }

    func write(_ name: [UInt8], _ content: String = "", permissions: UInt32 = 0o644) throws {
        let file = bytes(name)
        try FileOperations.createDirectories(file.removingLastComponent())
        let descriptor = try FileOperations.open(file, O_WRONLY | O_CREAT | O_TRUNC, permissions)
        defer { close(descriptor) }
        try Array(content.utf8).withUnsafeBytes { try FileOperations.write($0, to: descriptor, path: file) }
        fchmod(descriptor, permissions)
    }

    func link(_ name: String, to target: String) throws {
        let file = path.pushing(FilePath(name))
        try FileOperations.createDirectories(file.removingLastComponent())
        try #require(symlink(target, file.string) == 0)
    }

    func file(_ name: String) -> String { path.pushing(FilePath(name)).string }

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
