package import ContainerRuntime
import Formatting
import Glibc
import Layers
import Reporting

/// What `--mount` says: `type=…,source=…,target=…` and options, as one record of CSV.
package struct MountOption: Sendable {
    package enum Kind: String {
        case bind, volume, tmpfs, image
    }

    private(set) var kind = Kind.volume
    private(set) var source: String?
    package private(set) var target = ""
    private(set) var isReadOnly = false
    /// Of an image, lowest first, once it was found.
    var layers: [Layer] = []
    /// Whether the source of a bind mount is made where it is missing.
    package var createsSource = false
    /// Whether a new volume stays empty.
    package var isNotFilled = false
    package var subpath: String?
    package var labels: [String: String] = [:]
    /// Bytes; `nil` for half of the memory.
    package var memorySize: UInt64?
    package var memory = ProcessSpecification.Mount.MemoryOptions()

    /// Whether a volume is made for it.
    package var isAnonymousVolume: Bool { kind == .volume && source == nil }

    /// - Parameter target: An absolute path.
    package init(_ kind: Kind, source: String?, target: String, isReadOnly: Bool) {
        (self.kind, self.source, self.target, self.isReadOnly) = (kind, source, target, isReadOnly)
    }

    /// - Throws: `UserError` with the status for wrong use.
    init(parsing text: String) throws {
        var names: Set<String> = []
        for field in try MountOption.fields(text) {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = pair[0].lowercased()
            try read(name, pair.count == 2 ? pair[1] : nil)
            names.insert(name)
        }
        guard target.hasPrefix("/") else {
            throw MountOption.failure(
                target.isEmpty ? "the target is missing" : "the target `\(target)` is not an absolute path"
            )
        }
        if let name = names.sorted().first(where: { name in
            ["bind", "volume", "tmpfs", "image"].contains { name.hasPrefix($0 + "-") && $0 != kind.rawValue }
        }) {
            throw MountOption.failure("`\(name)` is not an option of the type `\(kind.rawValue)`")
        }
        if [.bind, .image].contains(kind), source == nil {
            throw MountOption.failure("the type `\(kind.rawValue)` needs a source")
        }
        if kind == .tmpfs, source != nil { throw MountOption.failure("the type `tmpfs` has no source") }
    }

    private static func failure(_ reason: String, hints: [String] = []) -> UserError {
        UserError("--mount: \(reason)", hints: hints, status: .usage)
    }

    private mutating func read(_ name: String, _ value: String?) throws {
        switch name {
        case "readonly", "ro": isReadOnly = try MountOption.boolean(name, value)
        case "volume-nocopy": isNotFilled = try MountOption.boolean(name, value)
        case "bind-create-src": createsSource = try MountOption.boolean(name, value)
        case "bind-nonrecursive":
            if try MountOption.boolean(name, value) { throw MountOption.unsupported(name, value) }
        default:
            guard let value, !value.isEmpty else { throw MountOption.failure("`\(name)` needs a value") }
            try read(name, value: value)
        }
    }

    private mutating func read(_ name: String, value: String) throws {
        switch name {
        case "type":
            guard let kind = Kind(rawValue: value.lowercased()) else {
                throw MountOption.failure("unknown type `\(value)`; known are bind, volume, tmpfs and image")
            }
            self.kind = kind
        case "source", "src": source = value
        case "target", "dst", "destination": target = value
        case "volume-subpath", "image-subpath": subpath = value
        case "volume-label":
            let pair = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            labels[pair[0]] = pair.count == 2 ? pair[1] : ""
        case "volume-driver" where value == "local": break
        // Every container has its own mounts, in which nothing of the machine's appears later.
        case "bind-propagation" where ["private", "rprivate"].contains(value): break
        case "bind-recursive" where ["enabled", "readonly"].contains(value): break
        case "consistency" where ["consistent", "cached", "delegated", "default"].contains(value): break
        case "tmpfs-size":
            guard let bytes = ByteSize.binary(value), bytes >= 0 else {
                throw MountOption.failure("tmpfs-size: invalid size `\(value)`: expected, for example, 64m")
            }
            memorySize = UInt64(bytes)
        case "tmpfs-mode": memory.permissions = try MountOption.mode(value, of: "--mount: tmpfs-mode")
        case "bind-propagation", "bind-recursive", "consistency", "volume-driver", "volume-opt":
            throw MountOption.unsupported(name, value)
        default: throw MountOption.failure("unknown option `\(name)`")
        }
    }

    private static func unsupported(_ name: String, _ value: String?) -> UserError {
        failure("`\(name)\(value.map { "=\($0)" } ?? "")` is not supported")
    }

    static func mode(_ text: String, of option: String) throws -> UInt32 {
        guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else {
            throw UserError(
                "\(option): invalid mode `\(text)`: expected octal digits, for example 1777",
                status: .usage
            )
        }
        return mode
    }

    private static func boolean(_ name: String, _ value: String?) throws -> Bool {
        switch value?.lowercased() {
        case nil, "true", "1": return true
        case "false", "0": return false
        default: throw failure("`\(name)` is true or false")
        }
    }

    /// The fields of a record of CSV; one in quotes may have commas, and two quotes for one.
    private static func fields(_ text: String) throws -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        guard !isQuoted, fields.allSatisfy({ !$0.isEmpty }) else {
            throw failure(
                "`\(text)` is not a list of options: expected, for example, type=volume,source=data,target=/data"
            )
        }
        return fields
    }
}
