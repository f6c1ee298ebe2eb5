import ContainerRuntime
import FileSystem
import Glibc
import OCI
import Sandbox
import SystemPackage

/// A value of `run --security-opt`.
enum SecurityOption {
    case systemCalls(SystemCallFilter)
    case forbidsNewPrivileges(Bool)

    /// Parses `seccomp=unconfined|builtin|FILE` and `no-new-privileges[=true|false]`, also with `:` as older Docker has
    /// it; reads the file.
    ///
    /// - Throws: `CommandFailure`.
    init(parsing text: String) throws(CommandFailure) {
        let separator = text.firstIndex { $0 == "=" || $0 == ":" }
        let value = separator.map { String(text[text.index(after: $0)...]) }
        switch (text[..<(separator ?? text.endIndex)], value) {
        case ("seccomp", "unconfined"): self = .systemCalls(.unconfined)
        case ("seccomp", "builtin"): self = .systemCalls(.dockerDefault)
        case ("seccomp", let path?) where !path.isEmpty:
            self = .systemCalls(.profile(try SecurityOption.profile(FilePath(path))))
        case ("no-new-privileges", nil), ("no-new-privileges", "true"): self = .forbidsNewPrivileges(true)
        case ("no-new-privileges", "false"): self = .forbidsNewPrivileges(false)
        default:
            throw CommandFailure(
                "--security-opt: unknown `\(text)`; known are seccomp=unconfined, seccomp=FILE and no-new-privileges",
                status: ExitStatus.usage
            )
        }
    }

    func apply(to privileges: inout ProcessSpecification.Privileges) {
        switch self {
        case .systemCalls(let filter): privileges.systemCalls = filter
        case .forbidsNewPrivileges(let forbids): privileges.forbidsNewPrivileges = forbids
        }
    }

    /// More than any profile has.
    private static let limit = 1 << 20

    private static func profile(_ path: FilePath) throws(CommandFailure) -> SeccompProfile {
        func failure(_ reason: String) -> CommandFailure {
            CommandFailure(
                "--security-opt: cannot use `\(path)` as a seccomp profile: \(reason)",
                status: ExitStatus.usage
            )
        }
        do {
            let descriptor = try FileOperations.open(path, O_RDONLY)
            defer { close(descriptor) }
            guard try FileStatus.of(descriptor: descriptor, path: path).kind == .regular else {
                throw failure("it is not a regular file")
            }
            let bytes = try FileOperations.read(descriptor: descriptor, path: path, limit: limit)
            return try CanonicalJSON.decode(SeccompProfile.self, from: bytes)
        } catch let error as CommandFailure {
            throw error
        } catch let error as SystemError {
            throw failure(error.reason)
        } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
            throw failure("`\(place(context.codingPath))` has a value that is not supported")
        } catch DecodingError.keyNotFound(let key, let context) {
            throw failure("`\(place(context.codingPath + [key]))` is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw failure("`\(place(context.codingPath))` is not what Docker has there")
        } catch {
            throw failure("it is not JSON")
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined().drop { $0 == "." }.description
    }
}
