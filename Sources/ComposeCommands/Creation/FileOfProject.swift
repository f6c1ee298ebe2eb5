internal import Compose
internal import ContainerCommands
internal import Containers
internal import FileSystem
internal import Glibc
internal import Reporting
internal import SystemPackage

/// A secret or config in a container: a file of this machine, mounted as it is, or a copy with an owner and mode.
struct FileOfProject {
    private let kind: String
    private let reference: FileReference
    private let source: FileSource
    private let variables: [String: String]

    /// - Throws: `UserError` where the project has none of that name.
    init(
        _ kind: String,
        _ reference: FileReference,
        _ sources: [String: FileSource],
        variables: [String: String]
    ) throws {
        guard let source = sources[reference.source] else {
            throw UserError("the \(kind) `\(reference.source)` is not defined")
        }
        (self.kind, self.reference, self.source, self.variables) = (kind, reference, source, variables)
    }

    /// The mount of a file whose owner and mode are to stay; `nil` for what is copied.
    var mount: MountOption? {
        guard case .file(let path) = source, reference.user == nil, reference.group == nil, reference.mode == nil else {
            return nil
        }
        return MountOption(.bind, source: path.string, target: reference.target.string, isReadOnly: true)
    }

    /// - Throws: `UserError`.
    func copy() throws -> ContainerFile {
        ContainerFile(
            target: reference.target.string,
            bytes: try content(),
            mode: UInt32(reference.mode ?? 0o444),
            userID: try number(reference.user) ?? geteuid(),
            groupID: try number(reference.group) ?? getegid()
        )
    }

    private func content() throws -> [UInt8] {
        switch source {
        case .content(let text): return Array(text.utf8)
        case .variable(let name):
            guard let value = variables[name] else {
                throw UserError("the \(kind) `\(reference.source)`: the variable `\(name)` is not set")
            }
            return Array(value.utf8)
        case .file(let path):
            do {
                return try FileOperations.readRegular(path, limit: 16 << 20)
            } catch {
                throw UserError("the \(kind) `\(reference.source)`: cannot read `\(path)`: \(error.reason)")
            }
        }
    }

    private func number(_ text: String?) throws -> UInt32? {
        try text.map { text in
            guard let number = UInt32(text) else {
                throw UserError("the \(kind) `\(reference.source)`: `\(text)` is not the number of a user or group")
            }
            return number
        }
    }
}
