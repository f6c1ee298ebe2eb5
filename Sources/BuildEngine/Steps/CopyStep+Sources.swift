import BuildCache
import BuildContext
import BuildPlanning
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import LayerWriting
import Layers
import OCI
import Reporting
import SystemPackage

extension CopyStep {
    func select() async throws -> Selection {
        var selection = Selection()
        if CopyStep.isContext(copy.from) {
            try selectFromContext(&selection)
            for source in copy.sources {
                guard case .remote(let address) = source.kind else { continue }
                let content = try await resolve(address, at: source.range)
                selection.otherInputs += content.inputs
                selection.remote.append(content)
            }
            if !selection.remote.isEmpty {
                // Of the context's files, those that are left count; of a commit's, nothing is known yet.
                selection.otherInputs += copy.excludes.map { NamedInput("exclude", $0.text) }
            }
        } else {
            try await selectFromImage(&selection)
        }
        if isLinked, copy.chown != nil {
            // The text is in the key, but what a name means is not decided by a layer below here.
            let change = try await attributeChange()
            let owner = [change.userID, change.groupID].map { $0.map(String.init) ?? "" }.joined(separator: ":")
            selection.otherInputs.append(NamedInput("owner", owner))
        }
        let time = stage.timeBelow
        for file in copy.inlineFiles {
            let content = Array(file.content.utf8)
            let digest = SHA256Hasher.digest(of: content)
            selection.otherInputs.append(NamedInput("file \(file.name)", digest.hex))
            let entry = LayerEntry(
                path: PathInRoot(file.name),
                kind: .regular,
                permissions: 0o644,
                size: Int64(content.count),
                modified: time,
                contentDigest: digest
            )
            let item = CopyItem(entry: entry, content: .bytes(content))
            let root = CopyRoot(name: Array(file.name.utf8), isDirectory: false, items: .list([item]))
            selection.nonContextSources.append(Source(root: root, range: file.range))
        }
        return selection
    }

    static func isContext(_ source: ContentSource) -> Bool {
        switch source {
        case .context, .named: true
        case .stage, .image, .scratch: false
        }
    }

    private func selectFromContext(_ selection: inout Selection) throws {
        let sources = copy.sources.filter { $0.kind == .path }
        guard !sources.isEmpty else { return }
        guard let context else {
            throw failure(
                "needs a build context, and there is none",
                at: step.instruction.range,
                hints: ["name a directory instead of `-` on the command line"]
            )
        }
        var listings: [ContextListing] = []
        var ranges: [SourceRange] = []
        for source in sources {
            do throws(BuildContextError) {
                for listing in try self.listings(of: source, in: context) {
                    listings.append(listing)
                    ranges.append(source.range)
                }
            } catch {
                throw contextFailure(error, at: source.range)
            }
        }
        let fingerprint = ContentFingerprint(of: listings, in: context.directory, cache: context.fingerprints)
        selection.files = (fingerprint, ranges)
    }

    private func listings(of source: CopySource, in context: BuildContextFiles) throws(BuildContextError)
        -> [ContextListing]
    {
        let text = Array(source.text.utf8)
        if copy.parents { return try context.directory.list(ParentsSource(text), excluding: excludes) }
        return try context.directory.select(source: text, wildcards: wildcards).map { root throws(BuildContextError) in
            if let store = context.store, root.isDirectory, PathInRoot(store).isWithin(PathInRoot(root.resolvedPath)) {
                let path = String(decoding: store, as: UTF8.self)
                stage.run.noteOnce("the store lies in the build context, as `\(path)`, and is not copied")
            }
            return try context.directory.list(root, excluding: [excludes])
        }
    }

    func contextFailure(_ error: BuildContextError, at range: SourceRange?) -> BuildError {
        var hints: [String] = []
        if case .missingSource(let missing) = error, let suggestion = missing.suggestion {
            hints.append("did you mean `\(String(decoding: suggestion, as: UTF8.self))`?")
        }
        return failure("failed: \(error)", at: range, hints: hints)
    }

    private func selectFromImage(_ selection: inout Selection) async throws {
        let files = try await stage.files(of: copy.from)
        for source in copy.sources {
            do {
                selection.nonContextSources += try roots(of: source, in: files).map {
                    Source(root: $0, range: source.range)
                }
            } catch let error as LayerError {
                throw failure("failed: \(error)", at: source.range)
            } catch let error as BuildContextError {
                throw contextFailure(error, at: source.range)
            }
        }
        let roots = selection.nonContextSources.map(\.root)
        selection.otherInputs.append(NamedInput("files", LayerStack.fingerprint(roots).hex))
        // A file is called by the name that selects it, which the attributes of its content do not tell.
        for root in roots where !root.isDirectory {
            selection.otherInputs.append(NamedInput("name", String(decoding: root.name, as: UTF8.self)))
        }
    }

    private func roots(of source: CopySource, in files: LayerStack) throws -> [CopyRoot] {
        let text = Array(source.text.utf8)
        func selected(_ text: [UInt8], _ filters: [IgnoreFile]) throws -> [CopyRoot] {
            try files.select(text).map { path in
                guard let root = try files.root(path, excluding: filters) else {
                    throw missing(path, in: files, at: source.range)
                }
                return root
            }
        }
        guard copy.parents else { return try selected(text, [excludes]) }
        let parents = try ParentsSource(text)
        let roots = try selected(parents.pivot, [parents.filter, excludes]).filter(\.isDirectory)
        if let path = parents.requiredPath, roots.allSatisfy({ $0.count == 0 }) {
            // It does not exist, or only a link leads to it, or it holds nothing.
            _ = try selected(path, [])
            for directory in PathInRoot(path).ancestors.dropFirst(PathInRoot(parents.pivot).components.count)
            where try files.view.resolve(directory, followingLast: false).node?.entry.kind == .symbolicLink {
                throw BuildContextError.symbolicLinkAsParent(directory.bytes)
            }
        }
        return roots
    }

    private func missing(_ path: PathInRoot, in files: LayerStack, at range: SourceRange) -> BuildError {
        if let link = try? files.view.resolve(path, followingLast: false).node?.entry, link.kind == .symbolicLink {
            let target = String(decoding: link.linkTarget, as: UTF8.self)
            return failure(
                "failed: `\(path)` is a symbolic link to `\(target)`, which is not in \(stage.name(of: copy.from))",
                at: range
            )
        }
        let hints = files.suggestion(for: path).map { ["did you mean `\($0)`?"] } ?? []
        return failure("failed: `\(path)` is not in \(stage.name(of: copy.from))", at: range, hints: hints)
    }
}

extension LayerStack {
    /// A path that is there and is probably meant by one that is not.
    fileprivate func suggestion(for path: PathInRoot) -> PathInRoot? {
        var directory = PathInRoot.root
        for component in path.components {
            guard let (resolved, _) = try? view.resolve(directory) else { return nil }
            let next = directory.appending(component)
            if (try? view.resolve(next))?.node == nil {
                let names = view.names(in: resolved).map { String(decoding: $0, as: UTF8.self) }
                let word = String(decoding: component, as: UTF8.self)
                return SpellingSuggestion.closest(to: word, in: names).map { directory.appending($0.utf8) }
            }
            directory = next
        }
        return nil
    }
}
