public import OCI
public import RemoteAddresses
public import SystemPackage

/// Where results are shared, as `--cache-from` and `--cache-to` say it.
public struct CacheLocation: Sendable, Hashable {
    public enum Place: Sendable, Hashable {
        /// A repository; a tag that was given goes before each key, so that several caches have room in one repository.
        case registry(ImageReference, prefix: String?)
        case directory(FilePath)
        /// A server that keeps files by `PUT`.
        case server(WebAddress)
        /// The same with requests as S3 wants them.
        case bucket(S3Bucket)
    }

    public enum Direction: Sendable {
        case from, to
    }

    public let place: Place
    public let compression: LayerCompression
    /// How directories of `RUN --mount=type=cache` go along; `nil` where they do not.
    public let mounts: SharedMountOptions?

    /// The repository, if it is in a registry.
    public var repository: ImageReference? { if case .registry(let reference, _) = place { reference } else { nil } }

    /// A text that means no location, and why not.
    public struct Invalid: Error, CustomStringConvertible {
        let text: String
        let reason: String

        public var description: String {
            // Nobody need see what is secret.
            let shown = text.split(separator: ",", omittingEmptySubsequences: false).map { field in
                let secret = S3Bucket.secrets.first { field.hasPrefix("\($0)=") }
                return secret.map { "\($0)=…" } ?? String(field)
            }
            return "`\(shown.joined(separator: ","))`: \(reason)"
        }
    }

    /// What `docker build` takes and what is so here in any case.
    private static let accepted: Set = [
        "mode=max", "oci-mediatypes=true", "image-manifest=true", "ignore-error=true", "force-compression=true",
    ]
    /// What to use in place of other types that BuildKit has.
    private static let alternatives = [
        "gha": "use type=local with a directory that actions/cache keeps, or type=registry with ghcr.io",
        "inline":
            "use type=registry with a repository beside the image; every step is kept there, not only the last stage",
        "azblob": "use type=http with a server in front of the storage, such as bazel-remote, or type=local",
    ]
    /// Room for a key behind it in a tag of 128 characters.
    private static let prefixLimit = 128 - 64 - 1

    /// Parses `type=registry,ref=NAME`, `type=http,url=ADDRESS`, `type=s3,bucket=NAME` or `type=local,src=DIRECTORY`, with
    /// `dest` for writing, and
    /// with `compression`, `compression-level` and `SharedMountOptions`; also just `NAME`.
    ///
    /// - Throws: `Invalid`.
    public init(parsing text: String, _ direction: Direction) throws(Invalid) {
        func invalid(_ reason: String) -> Invalid { Invalid(text: text, reason: reason) }
        var values = try CacheLocation.values(of: text)
        let directory = direction == .from ? "src" : "dest"
        let known = ["registry": "ref", "local": directory, "http": "url", "s3": "bucket"]
        guard let type = values.removeValue(forKey: "type") else { throw invalid("`type` is missing") }
        guard let name = known[type] else {
            let instead = CacheLocation.alternatives[type].map { "`type=\(type)` is not supported: \($0)" }
            throw invalid(instead ?? "unknown type `\(type)`; known are registry, http, s3 and local")
        }
        guard let value = values.removeValue(forKey: name) else { throw invalid("`\(name)` is missing") }
        let level = values.removeValue(forKey: "compression-level")
        let algorithm = values.removeValue(forKey: "compression") ?? "gzip"
        guard let compression = try? LayerCompression(algorithm, level: level.map { Int($0) ?? 0 }) else {
            throw invalid("unknown compression `\(algorithm)`\(level.map { " of level \($0)" } ?? "")")
        }
        guard !compression.changesLayers else {
            throw invalid("estargz makes other layers of those that are cached; `compression=zstd:chunked` does not")
        }
        self.compression = compression
        do throws(SharedMountOptions.Invalid) {
            mounts = try SharedMountOptions(&values, direction)
        } catch {
            throw invalid(error.reason)
        }
        let further = type == "s3" ? S3Bucket.names : []
        let details = values.filter { further.contains($0.key) }
        for name in further { values[name] = nil }
        if let unknown = values.keys.min() {
            throw invalid(
                "unknown key `\(unknown)`; known are \((["type", name] + further).joined(separator: ", ")), compression, compression-level, cache-mounts, cache-mounts-scope and cache-mounts-limit"
            )
        }
        do {
            switch type {
            case "local":
                place = .directory(FilePath(value))
                return
            case "http":
                place = .server(try WebAddress(parsing: value))
                return
            case "s3":
                place = .bucket(try S3Bucket(value, details))
                return
            default: break
            }
            let reference = try ImageReference(parsing: value)
            guard reference.digest == nil else { throw invalid("a cache has no digest") }
            let isTagged = value.hasSuffix(":\(reference.tag ?? "")")
            let prefix = isTagged ? reference.tag : nil
            guard (prefix?.utf8.count ?? 0) <= CacheLocation.prefixLimit else {
                throw invalid("the tag is longer than \(CacheLocation.prefixLimit) characters")
            }
            place = .registry(reference, prefix: prefix)
        } catch let error as Invalid {
            throw error
        } catch {
            throw invalid("\(error)")
        }
    }

    /// The values by their names; of a text without any it is a repository.
    private static func values(of text: String) throws(Invalid) -> [String: String] {
        guard text.contains("=") else { return ["type": "registry", "ref": text] }
        var values: [String: String] = [:]
        for field in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else {
                throw Invalid(text: text, reason: "`\(field)` has no value")
            }
            if accepted.contains("\(field)") { continue }
            if parts[0] == "mode" {
                let reason = "`mode=\(parts[1])` is not supported: all stages are always cached, as with mode=max"
                throw Invalid(text: text, reason: reason)
            }
            values[parts[0]] = parts[1]
        }
        return values
    }
}
