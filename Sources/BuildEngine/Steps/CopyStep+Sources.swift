import BuildCache
import BuildContext
import BuildPlanning
import ContentStore
import DockerfileSyntax
import FileSystem
import LayerWriting
import Layers
import OCI
import Reporting
import Tar

extension CopyStep {
    func select() async throws -> Selection {
        var selection = Selection()
        if copy.from.isContext {
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
        if isIndependent, copy.chown != nil {
            // The text is in the key, but what a name means is not decided by a layer below here.
            let change = try await attributeChange()
            let owner = [change.userID, change.groupID].map { $0.map(String.init) ?? "" }.joined(separator: ":")
            selection.otherInputs.append(NamedInput("owner", owner))
        }
        let time = context.timeBelow
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

    private func selectFromContext(_ selection: inout Selection) throws {
        let sources = copy.sources.filter { $0.kind == .path }
        guard !sources.isEmpty else { return }
        guard let buildContext else {
            throw context.failure(
                "needs a build context, but there is none",
                at: context.step.instruction.range,
                hints: ["name a directory instead of `-` on the command line"]
            )
        }
        var listings: [ContextListing] = []
        var ranges: [SourceRange] = []
        for source in sources {
            do throws(BuildContextError) {
                for listing in try self.listings(of: source, in: buildContext) {
                    listings.append(listing)
                    ranges.append(source.range)
                }
            } catch {
                throw context.failure(error, at: source.range)
            }
        }
        let fingerprint = ContentFingerprint(of: listings, in: buildContext.directory, cache: buildContext.fingerprints)
        selection.files = (fingerprint, ranges)
    }

    private func listings(of source: CopySource, in buildContext: OpenedContext) throws(BuildContextError)
        -> [ContextListing]
    {
        let text = Array(source.text.utf8)
        if copy.parents { return try buildContext.directory.list(ParentsSource(text), excluding: excludes) }
        return try buildContext.directory.select(source: text, wildcards: .path).map { root throws(BuildContextError) in
            try buildContext.list(root, excluding: [excludes], note: context.session.noteOnce)
        }
    }

    private func selectFromImage(_ selection: inout Selection) async throws {
        let files = try await context.sources.files(of: copy.from)
        for source in copy.sources {
            do {
                selection.nonContextSources += try roots(of: source, in: files).map {
                    Source(root: $0, range: source.range)
                }
            } catch let error as LayerError {
                throw context.failure("failed: \(error)", at: source.range)
            } catch let error as BuildContextError {
                throw context.failure(error, at: source.range)
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
            return context.failure(
                "failed: `\(path)` is a symbolic link to `\(target)`, which is not in \(context.sources.name(of: copy.from))",
                at: range
            )
        }
        let hints = files.suggestion(for: path).map { ["did you mean `\($0)`?"] } ?? []
        return context.failure(
            "failed: `\(path)` is not in \(context.sources.name(of: copy.from))",
            at: range,
            hints: hints
        )
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
