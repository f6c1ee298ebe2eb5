import DockerfileSyntax
import Formatting
import Reporting

/// The expanded options of one `RUN --mount`.
struct MountOptions {
    let range: SourceRange
    /// By canonical key; a bare option has no value.
    var values: [String: (text: String?, range: SourceRange)] = [:]
    /// What `from` names.
    let source: ContentSource
    let workingDirectory: String
    /// How many ssh mounts the instruction has before this one.
    let agentCount: Int
    /// What stands before the id of every cache: the build argument `BUILDKIT_CACHE_MOUNT_NS`.
    let cacheNamespace: String?

    func resolve() throws(Diagnostic) -> ResolvedMount {
        let type = text("type")?.lowercased() ?? "bind"
        guard let allowed = MountFlag.keys[type] else {
            throw Diagnostic(
                "unknown mount type `\(type)`",
                at: values["type"]?.range ?? range,
                hints: ["the types are bind, cache, tmpfs, secret and ssh"]
            )
        }
        for (key, value) in values.sorted(by: { $0.value.range.start < $1.value.range.start })
        where key != "type" && !allowed.contains(key) {
            throw Diagnostic("a mount of type `\(type)` has no option `\(key)`", at: value.range)
        }
        var target = text("target").flatMap { $0.isEmpty ? nil : ImagePath.join(workingDirectory, $0) }
        let kind: ResolvedMount.Kind
        switch type {
        case "secret": (kind, target) = try secret(target)
        case "ssh":
            kind = .ssh(try identity(id: text("id") ?? "", default: "default", environmentName: nil, mode: 0o600))
            target = target ?? "/run/buildkit/ssh_agent.\(agentCount)"
        default:
            // Without a target it is the working directory, as a relative one would be in it (BuildKit).
            let path = target ?? ImagePath.join("/", workingDirectory)
            target = path
            kind = try fileSystem(type)
        }
        if let target, target == "/" || target == "/proc" || target.hasPrefix("/proc/") {
            throw Diagnostic(
                "a mount cannot replace \(target == "/" ? "`/`" : "a part of `/proc`")",
                at: values["target"]?.range ?? range,
                hints: (text("target") ?? "").isEmpty
                    ? ["without a target it is at the working directory, `/` here"] : []
            )
        }
        return ResolvedMount(kind: kind, target: target, range: range, sourceRange: values["source"]?.range ?? range)
    }

    private func fileSystem(_ type: String) throws(Diagnostic) -> ResolvedMount.Kind {
        let path = ImagePath.join("/", text("source") ?? "/")
        switch type {
        case "bind": return .bind(from: source, path: path, isWritable: try isWritable(byDefault: false))
        case "tmpfs": return .tmpfs(size: try size())
        default:
            let sharingText = text("sharing")?.lowercased() ?? "shared"
            guard let sharing = CacheMount.Sharing(rawValue: sharingText) else {
                throw Diagnostic(
                    "unknown sharing mode `\(sharingText)`",
                    at: values["sharing"]?.range ?? range,
                    label: "shared, private or locked"
                )
            }
            var id = text("id") ?? ""
            // As it is written: the same relative target is the same cache in every working directory, and so is none
            // at all (BuildKit).
            if id.isEmpty { id = ImagePath.clean(text("target") ?? "") }
            if id.isEmpty { id = "." }
            return .cache(
                CacheMount(
                    id: (cacheNamespace.map { $0 + "/" } ?? "") + id,
                    sharing: sharing,
                    from: source == .context ? nil : source,
                    path: path,
                    mode: try number("mode", radix: 8, limit: 0o7777),
                    userID: try number("uid", limit: largestID),
                    groupID: try number("gid", limit: largestID),
                    isReadOnly: try !isWritable(byDefault: true)
                )
            )
        }
    }

    /// A secret without a target is a file in `/run/secrets`, unless it is only a variable.
    private func secret(_ target: String?) throws(Diagnostic) -> (ResolvedMount.Kind, String?) {
        let environmentName = text("env")
        if let environmentName, environmentName.isEmpty || environmentName.contains("=") {
            throw Diagnostic("invalid variable name `\(environmentName)`", at: values["env"]?.range ?? range)
        }
        if text("id") != nil, let source = values["source"] {
            throw Diagnostic("the secret has both an id and a source, which mean the same", at: source.range)
        }
        let mount = try identity(
            id: text("id") ?? text("source") ?? "",
            default: target.map { ImagePath.name($0) } ?? "",
            environmentName: environmentName,
            mode: 0o400
        )
        guard !mount.id.isEmpty else { throw Diagnostic("the secret needs an id or a target", at: range) }
        let path = target ?? (environmentName == nil ? "/run/secrets/" + ImagePath.name(mount.id) : nil)
        return (.secret(mount), path)
    }

    private func identity(id: String, default: String, environmentName: String?, mode: UInt32) throws(Diagnostic)
        -> SecretMount
    {
        SecretMount(
            id: id.isEmpty ? `default` : id,
            environmentName: environmentName,
            mode: try number("mode", radix: 8, limit: 0o7777) ?? mode,
            userID: try number("uid", limit: largestID) ?? 0,
            groupID: try number("gid", limit: largestID) ?? 0,
            isRequired: try boolean("required") ?? false
        )
    }

    private func text(_ key: String) -> String? { values[key]?.text }

    /// The last of `readonly` and `readwrite` counts.
    private func isWritable(byDefault: Bool) throws(Diagnostic) -> Bool {
        let (writable, protected) = (try boolean("readwrite"), try boolean("readonly").map { !$0 })
        guard let writable, let protected else { return writable ?? protected ?? byDefault }
        let isLast = (values["readwrite"]?.range.start ?? 0) > (values["readonly"]?.range.start ?? 0)
        return isLast ? writable : protected
    }

    private func boolean(_ key: String) throws(Diagnostic) -> Bool? {
        guard let value = values[key] else { return nil }
        switch value.text?.lowercased() {
        case nil, "true", "t", "1": return true
        case "false", "f", "0": return false
        default: throw Diagnostic("`\(key)` is true or false, not `\(value.text ?? "")`", at: value.range)
        }
    }

    private func number(_ key: String, radix: Int = 10, limit: UInt32 = .max) throws(Diagnostic) -> UInt32? {
        guard let value = values[key], let text = value.text else { return nil }
        guard let number = UInt32(text, radix: radix), number <= limit else {
            throw Diagnostic(
                "invalid \(key) `\(text)`",
                at: value.range,
                label: radix == 8 ? "an octal mode" : "a number from 0 to \(limit)"
            )
        }
        return number
    }

    private func size() throws(Diagnostic) -> Int64? {
        guard let value = values["size"], let text = value.text else { return nil }
        guard let size = ByteSize.binary(text) else {
            throw Diagnostic("invalid size `\(text)`", at: value.range, label: "a number of bytes, such as 64m")
        }
        return size
    }
}

/// The largest number of a user or group, as with Docker.
private let largestID: UInt32 = 0x7FFF_FFFF
