public import Layers
import Tar

/// The packages of an image by name, as the databases of dpkg and apk list them.
///
/// Databases of rpm are not read: they need its own library.
public struct InstalledPackages: Sendable, Hashable {
    /// One package in one version; a name may be installed for several architectures.
    public struct Name: Sendable, Hashable, Comparable {
        /// `dpkg` or `apk`.
        public let system: String
        public let name: String
        public let architecture: String

        public static func < (left: Name, right: Name) -> Bool {
            (left.name, left.architecture, left.system) < (right.name, right.architecture, right.system)
        }
    }

    /// Versions by name.
    public private(set) var versions: [Name: String] = [:]

    /// A database of a whole distribution has some megabytes; more than this is cut.
    private static let fileLimit: Int64 = 64 << 20

    /// Reads the databases out of the layers.
    ///
    /// - Throws: `LayerError`, `SystemError`.
    public init(_ files: LayerStack) throws {
        func read(_ path: String) throws -> [UInt8] { try files.read(path, limit: Self.fileLimit) ?? [] }
        takeDpkg(try read("var/lib/dpkg/status"))
        // Images without a shell have a file for each package.
        if let directory = try? files.view.resolve(PathInRoot("var/lib/dpkg/status.d")).path {
            for name in files.view.names(in: directory) where !name.suffix(8).elementsEqual(".md5sums".utf8) {
                guard let node = files.view.node(at: directory.appending(name)) else { continue }
                takeDpkg(try files.read(node, limit: Self.fileLimit) ?? [], listsInstalledOnly: true)
            }
        }
        for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] { takeApk(try read(path)) }
    }

    /// deb-control(5): paragraphs of `Field: value` lines, further lines of a value begin with a blank.
    private mutating func takeDpkg(_ bytes: [UInt8], listsInstalledOnly: Bool = false) {
        for fields in Self.paragraphs(bytes, names: ["Package", "Version", "Architecture", "Status"]) {
            guard let name = fields["Package"], let version = fields["Version"],
                listsInstalledOnly || fields["Status"]?.hasSuffix(" installed") == true
            else { continue }
            versions[Name(system: "dpkg", name: name, architecture: fields["Architecture"] ?? "")] = version
        }
    }

    /// apk-installed: `P:` name, `V:` version, `A:` architecture.
    private mutating func takeApk(_ bytes: [UInt8]) {
        for fields in Self.paragraphs(bytes, names: ["P", "V", "A"]) {
            guard let name = fields["P"], let version = fields["V"] else { continue }
            versions[Name(system: "apk", name: name, architecture: fields["A"] ?? "")] = version
        }
    }

    private static func paragraphs(_ bytes: [UInt8], names: Set<String>) -> [[String: String]] {
        var (result, fields): ([[String: String]], [String: String]) = ([], [:])
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.isEmpty {
                if !fields.isEmpty { result.append(fields) }
                fields = [:]
            } else if let colon = line.firstIndex(of: UInt8(ascii: ":")), line.first != UInt8(ascii: " ") {
                let name = String(decoding: line[..<colon], as: UTF8.self)
                let value = line[line.index(after: colon)...].drop { $0 == UInt8(ascii: " ") }
                if names.contains(name) { fields[name] = String(decoding: value, as: UTF8.self) }
            }
        }
        return fields.isEmpty ? result : result + [fields]
    }
}

/// A package that is in only one of two images, or in another version.
public struct PackageDifference: Sendable, Hashable {
    public let package: InstalledPackages.Name
    /// The version in the first image; `nil` where it is not installed.
    public let before: String?
    public let after: String?

    /// All differences, by name.
    public static func all(_ before: InstalledPackages, _ after: InstalledPackages) -> [PackageDifference] {
        Set(before.versions.keys).union(after.versions.keys).sorted().compactMap { name in
            let (left, right) = (before.versions[name], after.versions[name])
            return left == right ? nil : PackageDifference(package: name, before: left, after: right)
        }
    }
}
