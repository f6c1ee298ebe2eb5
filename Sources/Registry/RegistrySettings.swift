internal import FileSystem
public import OCI
public import SystemPackage
internal import TOMLKit

/// How registries are reached, as `registries.conf` says, which podman, buildah and skopeo read too
/// (containers-registries.conf(5), version 2).
public struct RegistrySettings: Sendable {
    /// Why the file cannot be used.
    public struct InvalidFile: Error, CustomStringConvertible {
        public let path: FilePath
        public let reason: String

        public var description: String { "`\(path)` cannot be used: \(reason)" }
    }

    fileprivate struct Location: Sendable {
        let text: String
        let isInsecure: Bool
        let isForDigestsOnly: Bool
    }

    fileprivate struct Entry: Sendable {
        let prefix: String
        let location: Location
        let mirrors: [Location]
        let isBlocked: Bool
    }

    private var entries: [Entry] = []
    private let insecureHosts: Set<String>
    /// The file that was read, if there is one.
    private let path: FilePath?

    /// Reads the first file that there is: `CONTAINERS_REGISTRIES_CONF`, the user's, the system's.
    ///
    /// `SWIFTBUILD_INSECURE_REGISTRIES` names further hosts, separated by commas, that are reached without a trusted
    /// certificate or without https.
    ///
    /// - Throws: `InvalidFile`.
    public init(environment: [String: String]) throws {
        insecureHosts = Set(
            (environment["SWIFTBUILD_INSECURE_REGISTRIES"] ?? "").split(separator: ",")
                .map { $0.trimmingBlanks }
        )
        var candidates: [FilePath] = []
        if let named = environment["CONTAINERS_REGISTRIES_CONF"], !named.isEmpty {
            candidates = [FilePath(named)]
        } else {
            let home = environment["HOME"].map { FilePath($0).appending(".config") }
            if let user = environment["XDG_CONFIG_HOME"].flatMap({ $0.isEmpty ? nil : FilePath($0) }) ?? home {
                candidates.append(user.appending("containers").appending("registries.conf"))
            }
            candidates.append("/etc/containers/registries.conf")
        }
        path = candidates.first { FileStatus.ifPresent($0) != nil }
        guard let path else { return }
        do {
            let bytes = try FileOperations.read(path, limit: 1 << 20)
            let document = try TOMLDecoder().decode(Document.self, from: String(decoding: bytes, as: UTF8.self))
            entries = try (document.registry ?? []).map { try Entry($0) }
        } catch let error as SystemError {
            throw InvalidFile(path: path, reason: error.errno.sentence)
        } catch let error as Entry.Invalid {
            throw InvalidFile(path: path, reason: error.reason)
        } catch {
            throw InvalidFile(path: path, reason: "\(error)")
        }
    }

    /// Where a repository is looked for: mirrors in their order, then the registry itself.
    ///
    /// - Parameter forPush: Mirrors are not written to.
    /// - Throws: `RegistryError` with `.blocked`.
    public func repositories(for reference: ImageReference, forPush: Bool = false) throws -> [RegistryRepository] {
        let name = "\(reference.registry)/\(reference.repository)"
        // The longest prefix is the most precise one.
        let entry = entries.filter { $0.isPrefix(of: name) }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }
        guard let entry else { return [repository(name, isInsecure: false, isMirror: false)] }
        guard !entry.isBlocked else {
            throw RegistryError(
                .blocked(file: "\(path ?? "")"),
                host: reference.registry,
                subject: "`\(reference.repository)`"
            )
        }
        let rest = name.dropFirst(entry.prefix.utf8.count)
        let mirrors = forPush ? [] : entry.mirrors.filter { !$0.isForDigestsOnly || reference.digest != nil }
        return mirrors.map { repository($0.text + rest, isInsecure: $0.isInsecure, isMirror: true) } + [
            repository(entry.location.text + rest, isInsecure: entry.location.isInsecure, isMirror: false)
        ]
    }

    private func repository(_ name: String, isInsecure: Bool, isMirror: Bool) -> RegistryRepository {
        let slash = name.firstIndex(of: "/") ?? name.endIndex
        let host = String(name[..<slash])
        let endpoint = RegistryEndpoint(
            host: host,
            isInsecure: isInsecure || insecureHosts.contains(host),
            isMirror: isMirror
        )
        return RegistryRepository(endpoint, String(name[slash...].dropFirst()))
    }

    // MARK: The file

    fileprivate struct Document: Decodable {
        struct Registry: Decodable {
            let prefix: String?
            let location: String?
            let insecure: Bool?
            let blocked: Bool?
            let mirrorByDigestOnly: Bool?
            let mirror: [Mirror]?

            private enum CodingKeys: String, CodingKey {
                case prefix, location, insecure, blocked, mirror
                case mirrorByDigestOnly = "mirror-by-digest-only"
            }
        }

        struct Mirror: Decodable {
            let location: String
            let insecure: Bool?
            let pullFromMirror: String?

            private enum CodingKeys: String, CodingKey {
                case location, insecure
                case pullFromMirror = "pull-from-mirror"
            }
        }

        let registry: [Registry]?
    }
}

extension RegistrySettings.Entry {
    fileprivate struct Invalid: Error { let reason: String }

    fileprivate init(_ table: RegistrySettings.Document.Registry) throws {
        guard let prefix = table.prefix ?? table.location, !prefix.isEmpty else {
            throw Invalid(reason: "a `[[registry]]` has neither `prefix` nor `location`")
        }
        guard !prefix.hasPrefix("*") || table.location == nil || table.location == "" else {
            throw Invalid(reason: "the prefix `\(prefix)` cannot have a `location`")
        }
        self.prefix = prefix
        isBlocked = table.blocked ?? false
        location = .init(
            text: table.location ?? prefix,
            isInsecure: table.insecure ?? false,
            isForDigestsOnly: false
        )
        mirrors = (table.mirror ?? []).map { mirror in
            .init(
                text: mirror.location,
                isInsecure: mirror.insecure ?? false,
                isForDigestsOnly: mirror.pullFromMirror == "digest-only" || table.mirrorByDigestOnly ?? false
            )
        }
    }

    /// Whether `name`, a registry and a repository, is below the prefix, whole components only.
    fileprivate func isPrefix(of name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        return name.utf8.count == prefix.utf8.count || name.dropFirst(prefix.count).hasPrefix("/")
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        var rest = self
        while rest.first == " " { rest = rest.dropFirst() }
        while rest.last == " " { rest = rest.dropLast() }
        return String(rest)
    }
}
