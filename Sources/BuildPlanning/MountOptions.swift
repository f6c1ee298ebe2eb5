import Reporting

/// The expanded options of one `RUN --mount`.
struct MountOptions {
    let range: SourceRange
    /// By canonical key; a bare option has no value.
    var values: [String: (text: String?, range: SourceRange)] = [:]
    /// Whether `from` was given.
    var hasSource = false

    private static let allowed: [String: Set<String>] = [
        "bind": ["target", "source", "readonly", "readwrite"],
        "cache": ["id", "target", "source", "readonly", "readwrite", "sharing", "mode", "uid", "gid"],
        "tmpfs": ["target", "size", "readwrite"],
        "secret": ["id", "source", "target", "required", "mode", "uid", "gid", "env"],
        "ssh": ["id", "target", "required", "mode", "uid", "gid"],
    ]

    func resolve(from source: ContentSource, workingDirectory: String) throws(Diagnostic) -> ResolvedMount {
        let type = text("type")?.lowercased() ?? "bind"
        guard let allowed = Self.allowed[type] else {
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
        if hasSource, type != "bind", type != "cache" {
            throw Diagnostic("a mount of type `\(type)` has no option `from`", at: range)
        }
        var target = text("target").map { ImagePath.join(workingDirectory, $0) }
        let kind: ResolvedMount.Kind
        switch type {
        case "secret": (kind, target) = try secret(target)
        case "ssh": kind = .ssh(try identity(id: text("id") ?? "default", environmentName: nil, mode: 0o600))
        default:
            guard let path = target else { throw Diagnostic("the mount needs a target", at: range) }
            guard path != "/" else {
                throw Diagnostic("a mount cannot replace `/`", at: values["target"]?.range ?? range)
            }
            kind = try fileSystem(type, source: source, target: path)
        }
        return ResolvedMount(kind: kind, target: target, range: range)
    }

    private func fileSystem(
        _ type: String,
        source: ContentSource,
        target: String
    ) throws(Diagnostic) -> ResolvedMount.Kind {
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
            let id = text("id") ?? ""
            return .cache(
                CacheMount(
                    id: id.isEmpty ? target : id,
                    sharing: sharing,
                    from: hasSource ? source : nil,
                    path: path,
                    mode: try number("mode", radix: 8, limit: 0o7777) ?? 0o755,
                    userID: try number("uid") ?? 0,
                    groupID: try number("gid") ?? 0,
                    isReadOnly: try !isWritable(byDefault: true)
                )
            )
        }
    }

    /// A secret without a target is a file in `/run/secrets`, unless it is only a variable.
    private func secret(_ target: String?) throws(Diagnostic) -> (ResolvedMount.Kind, String?) {
        let environmentName = text("env")
        var id = text("id") ?? text("source") ?? ""
        if id.isEmpty, let target { id = target.split(separator: "/").last.map(String.init) ?? "" }
        guard !id.isEmpty else { throw Diagnostic("the secret needs an id or a target", at: range) }
        guard !id.contains("/") || text("id") != nil || text("source") != nil else {
            throw Diagnostic("invalid secret id `\(id)`", at: range)
        }
        var path = target
        if path == nil, environmentName == nil { path = ImagePath.join("/run/secrets", "./" + id) }
        return (.secret(try identity(id: id, environmentName: environmentName, mode: 0o400)), path)
    }

    private func identity(id: String, environmentName: String?, mode: UInt32) throws(Diagnostic) -> SecretMount {
        SecretMount(
            id: id,
            environmentName: environmentName,
            mode: try number("mode", radix: 8, limit: 0o7777) ?? mode,
            userID: try number("uid") ?? 0,
            groupID: try number("gid") ?? 0,
            isRequired: try boolean("required") ?? false
        )
    }

    private func text(_ key: String) -> String? { values[key]?.text }

    private func isWritable(byDefault: Bool) throws(Diagnostic) -> Bool {
        if let writable = try boolean("readwrite") { return writable }
        return try boolean("readonly").map { !$0 } ?? byDefault
    }

    private func boolean(_ key: String) throws(Diagnostic) -> Bool? {
        guard let value = values[key] else { return nil }
        switch value.text?.lowercased() {
        case nil, "true", "1": return true
        case "false", "0": return false
        default: throw Diagnostic("`\(key)` is true or false, not `\(value.text ?? "")`", at: value.range)
        }
    }

    private func number(_ key: String, radix: Int = 10, limit: UInt32 = .max) throws(Diagnostic) -> UInt32? {
        guard let value = values[key], let text = value.text else { return nil }
        guard let number = UInt32(text, radix: radix), number <= limit else {
            throw Diagnostic(
                "invalid \(key) `\(text)`",
                at: value.range,
                label: radix == 8 ? "an octal mode" : "a number"
            )
        }
        return number
    }

    /// Bytes, or with a suffix as `docker` reads sizes: `k`, `m`, `g`, with or without `b`.
    private func size() throws(Diagnostic) -> Int64? {
        guard let value = values["size"], let text = value.text else { return nil }
        var rest = text.lowercased()[...]
        if rest.hasSuffix("b") { rest = rest.dropLast() }
        if rest.hasSuffix("i") { rest = rest.dropLast() }
        let shift: Int64
        switch rest.last {
        case "k": shift = 1 << 10
        case "m": shift = 1 << 20
        case "g": shift = 1 << 30
        case "t": shift = 1 << 40
        default: shift = 1
        }
        if shift > 1 { rest = rest.dropLast() }
        if let number = Int64(rest), number >= 0 {
            let (bytes, overflow) = number.multipliedReportingOverflow(by: shift)
            if !overflow { return bytes }
        }
        throw Diagnostic("invalid size `\(text)`", at: value.range, label: "a number of bytes, such as 64m")
    }
}
