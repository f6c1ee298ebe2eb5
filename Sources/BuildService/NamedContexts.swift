internal import BuildContext
internal import BuildPlanning
internal import ContentStore
internal import FileSystem
internal import Images
internal import OCI
internal import RemoteAddresses
internal import Reporting
internal import SystemPackage

/// The values of `--build-context NAME=VALUE` with further ones, and how each of them is opened.
struct NamedContexts: Sendable {
    /// An image in a layout directory of another tool.
    struct Layout: Sendable {
        let path: FilePath
        /// The `:tag` or `@digest` behind the path.
        let selector: LayoutSelector
    }

    private(set) var kinds: [String: NamedContext] = [:]
    private(set) var openers: [String: @Sendable () async throws -> ContextDirectory] = [:]
    /// By the name that stands for it in the plan.
    private(set) var layouts: [ImageReference: Layout] = [:]
    /// By name.
    private(set) var images: [ImageReference: Digest] = [:]
    private let store: @Sendable () throws -> Store

    /// - Parameter store: Opened for what must be fetched or unpacked, when that is first needed.
    /// - Throws: `UserError` for a malformed option, and for a directory that is not there.
    init(_ options: BuildOptions, store: @escaping @Sendable () throws -> Store) throws {
        self.store = store
        for (name, image) in options.imageContexts {
            kinds[NamedContext.key(name)] = .image(image.name)
            images[image.name] = image.id
        }
        for text in options.buildContexts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw NamedContexts.usage(parts[0], "write NAME=VALUE")
            }
            guard (try? ImageReference(parsing: parts[0])) != nil else {
                throw NamedContexts.usage(parts[0], "FROM and --from cannot use this name")
            }
            try add(NamedContext.key(parts[0]), parts[1], name: parts[0])
        }
    }

    private mutating func add(_ key: String, _ value: String, name: String) throws {
        do {
            if let image = value.dropping(prefix: "docker-image://") {
                kinds[key] = .image(try ImageReference(parsing: image))
            } else if let layout = value.dropping(prefix: "oci-layout://") {
                let reference = try NamedContexts.reference(toLayout: layout)
                layouts[reference] = try Layout(layout)
                kinds[key] = .image(reference)
            } else if value.hasPrefix("target:") {
                throw NamedContexts.usage(name, "targets of bake files are not supported here")
            } else {
                kinds[key] = .files
                openers[key] = try opener(try ContextSource(value), name: name)
            }
        } catch let error as OCIError {
            throw NamedContexts.usage(name, "\(error)")
        }
    }

    private func opener(_ source: ContextSource, name: String) throws -> @Sendable () async throws -> ContextDirectory {
        let store = store
        switch source {
        case .directory(let path):
            let directory = try BuildFiles.openWithIgnoreFile(path)
            return { directory }
        case .standardInput: throw NamedContexts.usage(name, "only the main context can come from standard input")
        case .git(let address):
            return {
                let directory = try await ContextFetcher(store: store()).checkOut(address, keepsGitDirectory: false)
                return try BuildFiles.ignoringInside(directory, dockerfile: nil)
            }
        case .web(let address):
            return {
                guard case .context(let directory) = try await ContextFetcher(store: store()).fetch(address) else {
                    throw UserError(
                        "the build context `\(name)`: `\(address)` is not an archive",
                        hints: ["ADD takes single files"]
                    )
                }
                return try BuildFiles.ignoringInside(directory, dockerfile: nil)
            }
        }
    }

    /// A name that no image has: the plan knows images by names only.
    private static func reference(toLayout text: String) throws -> ImageReference {
        try ImageReference(parsing: "oci-layout@\(SHA256Hasher.digest(of: text))")
    }

    private static func usage(_ name: String, _ reason: String) -> UserError {
        UserError("--build-context \(name): \(reason)", status: .usage)
    }
}

extension NamedContexts.Layout {
    /// Reads `DIRECTORY`, `DIRECTORY:TAG` or `DIRECTORY@DIGEST`.
    fileprivate init(_ text: String) throws(OCIError) {
        if let at = text.lastIndex(of: "@") {
            path = FilePath(String(text[..<at]))
            selector = .digest(try Digest(parsing: text[text.index(after: at)...]))
        } else if let colon = text.lastIndex(of: ":"), !text[colon...].contains("/") {
            path = FilePath(String(text[..<colon]))
            selector = .tag(String(text[text.index(after: colon)...]))
        } else {
            path = FilePath(text)
            selector = .only
        }
    }
}

extension String {
    /// What follows a prefix; `nil` where the text does not begin with it.
    func dropping(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
