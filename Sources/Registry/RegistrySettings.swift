internal import FileSystem
public import OCI
public import SystemPackage

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
        let bytes: [UInt8]
        do {
            bytes = try FileOperations.read(path, limit: 1 << 20)
        } catch {
            throw InvalidFile(path: path, reason: error.reason)
        }
        entries = try RegistrySettings.entries(bytes, of: path)
    }

    /// Takes the content of a file.
    ///
    /// - Throws: `InvalidFile`.
    init(parsing bytes: [UInt8], of path: FilePath) throws {
        insecureHosts = []
        self.path = path
        entries = try RegistrySettings.entries(bytes, of: path)
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

    private static func entries(_ bytes: [UInt8], of path: FilePath) throws(InvalidFile) -> [Entry] {
        do {
            let document = try Member(TOMLParser.parse(bytes), "the file")
            return try document.tables("registry").map { try Entry($0) }
        } catch {
            throw InvalidFile(path: path, reason: "\(error)")
        }
    }

    /// A part of the file, with what messages call it.
    fileprivate struct Member {
        struct Invalid: Error, CustomStringConvertible { let description: String }

        private let value: TOMLValue
        let name: String

        init(_ value: TOMLValue, _ name: String) {
            self.value = value
            self.name = name
        }

        func string(_ key: String) throws -> String? {
            guard let value = value[key] else { return nil }
            guard case .string(let text) = value else { throw wrong(key, value, "a string") }
            return text
        }

        func boolean(_ key: String) throws -> Bool {
            guard let value = value[key] else { return false }
            guard case .boolean(let isTrue) = value else { throw wrong(key, value, "true or false") }
            return isTrue
        }

        func tables(_ key: String) throws -> [Member] {
            guard let value = value[key] else { return [] }
            guard case .array(let tables) = value else { throw wrong(key, value, "an array of tables") }
            return try tables.map { table in
                guard case .table = table else { throw wrong(key, table, "an array of tables") }
                return Member(table, "`[[\(key)]]`")
            }
        }

        private func wrong(_ key: String, _ value: TOMLValue, _ wanted: String) -> Invalid {
            Invalid(description: "`\(key)` in \(name) is \(value.kind): expected \(wanted)")
        }
    }
}

extension RegistrySettings.Entry {
    fileprivate init(_ table: RegistrySettings.Member) throws {
        let location = try table.string("location")
        guard let prefix = try table.string("prefix") ?? location, !prefix.isEmpty else {
            throw RegistrySettings.Member.Invalid(description: "a `[[registry]]` has neither `prefix` nor `location`")
        }
        guard !prefix.hasPrefix("*") || location == nil || location == "" else {
            throw RegistrySettings.Member.Invalid(description: "the prefix `\(prefix)` cannot have a `location`")
        }
        self.prefix = prefix
        isBlocked = try table.boolean("blocked")
        self.location = .init(
            text: location ?? prefix,
            isInsecure: try table.boolean("insecure"),
            isForDigestsOnly: false
        )
        let isForDigestsOnly = try table.boolean("mirror-by-digest-only")
        mirrors = try table.tables("mirror").map { mirror in
            guard let location = try mirror.string("location"), !location.isEmpty else {
                throw RegistrySettings.Member.Invalid(description: "a `[[registry.mirror]]` has no `location`")
            }
            return .init(
                text: location,
                isInsecure: try mirror.boolean("insecure"),
                isForDigestsOnly: try mirror.string("pull-from-mirror") == "digest-only" || isForDigestsOnly
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
