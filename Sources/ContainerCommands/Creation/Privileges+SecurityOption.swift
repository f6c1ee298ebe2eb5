import ContainerRuntime
import FileSystem
import Glibc
import OCI
import Reporting
import Sandbox
import SystemPackage

extension ProcessSpecification.Privileges {
    /// Takes a value of `--security-opt`: `seccomp=unconfined|builtin|FILE`, `no-new-privileges[=true|false]` or
    /// `systempaths=unconfined`, also with `:` as older Docker has it; reads the file.
    ///
    /// - Throws: `UserError`.
    mutating func apply(_ text: String) throws(UserError) {
        let separator = text.firstIndex { $0 == "=" || $0 == ":" }
        let value = separator.map { String(text[text.index(after: $0)...]) }
        switch (text[..<(separator ?? text.endIndex)], value) {
        case ("seccomp", "unconfined"): systemCalls = .unconfined
        case ("seccomp", "builtin"): systemCalls = .dockerDefault
        case ("seccomp", let path?) where !path.isEmpty: systemCalls = .profile(try Self.profile(FilePath(path)))
        case ("no-new-privileges", nil), ("no-new-privileges", "true"): forbidsNewPrivileges = true
        case ("no-new-privileges", "false"): forbidsNewPrivileges = false
        case ("systempaths", "unconfined"): masksSystemPaths = false
        // No process has a profile or a label of ours.
        case ("apparmor", "unconfined"), ("label", "disable"): break
        default:
            throw UserError(
                "--security-opt: unknown `\(text)`; known are seccomp=unconfined, seccomp=FILE, no-new-privileges, "
                    + "systempaths=unconfined, apparmor=unconfined and label=disable",
                status: .usage
            )
        }
    }

    /// More than any profile has.
    private static let limit = 1 << 20

    private static func profile(_ path: FilePath) throws(UserError) -> SeccompProfile {
        func failure(_ reason: String) -> UserError {
            UserError(
                "--security-opt: cannot use `\(path)` as a seccomp profile: \(reason)",
                status: .usage
            )
        }
        do {
            let file = try OwnedDescriptor(path, O_RDONLY)
            guard try FileStatus.of(descriptor: file.rawValue, path: path).kind == .regular else {
                throw failure("it is not a regular file")
            }
            let bytes = try FileOperations.read(descriptor: file.rawValue, path: path, limit: limit)
            return try CanonicalJSON.decode(SeccompProfile.self, from: bytes)
        } catch let error as UserError {
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
