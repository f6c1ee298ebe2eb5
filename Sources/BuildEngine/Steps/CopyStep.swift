import BuildCache
import BuildContext
import BuildPlanning
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import Layers
import OCI
import Reporting
import SystemPackage

/// `COPY` and `ADD`: selects files, and writes them as a layer without ever unpacking anything.
struct CopyStep {
    private let copy: ResolvedCopy
    private let step: PlannedStep
    private let stage: StageBuilder
    private let excludes: IgnoreFile
    private let mode: FileMode?

    /// What the sources select, with the digest that stands for it in the key.
    private struct Selection {
        var roots: [CopyRoot] = []
        var inputs: [NamedInput] = []
        /// The files of the context, if that is where the sources are.
        var fingerprint: ContentFingerprint?
    }

    init(_ copy: ResolvedCopy, step: PlannedStep, stage: StageBuilder) throws {
        self.copy = copy
        self.step = step
        self.stage = stage
        excludes =
            try copy.excludes.isEmpty ? .empty : IgnoreFile(patterns: copy.excludes.map { Array($0.utf8) })
        if let text = copy.chmod {
            guard let mode = FileMode(text) else {
                throw BuildError.at(
                    copy.chmodRange,
                    in: step.source,
                    "invalid mode `\(text)`",
                    hints: ["an octal mode such as 755, or changes such as u=rwX,go=rX"]
                )
            }
            self.mode = mode
        } else {
            mode = nil
        }
        let unsupported = copy.sources.compactMap { UnsupportedFeatures.error(for: $0) }
        guard unsupported.isEmpty else {
            throw BuildError.dockerfile(DiagnosticsError(source: step.source, diagnostics: unsupported))
        }
    }

    /// Executes the step; a file that changes while it is copied makes it start again, three times at most.
    func execute(_ stage: inout StageBuilder) async throws -> BuildEvent.Outcome {
        for attempt in 1... {
            do {
                return try await attemptOnce(&stage)
            } catch let error as ChangedWhileCopied {
                guard attempt < 3 else { throw failure("failed: \(error)", at: step.instruction.range) }
            }
        }
        preconditionFailure("the loop only ends by returning or throwing")
    }

    private func attemptOnce(_ stage: inout StageBuilder) async throws -> BuildEvent.Outcome {
        let selection = try await select()
        let key = StepKey(stage.commonInputs(copy.isAdd ? "ADD" : "COPY") + options + selection.inputs)
        return try await stage.layer(for: key, step) { _ in try await writeLayer(selection) }
    }

    /// Everything but the files that decides what the layer holds.
    private var options: [NamedInput] {
        var inputs = [NamedInput("destination", destination.text)]
        if let chown = copy.chown { inputs.append(NamedInput("chown", chown)) }
        if let chmod = copy.chmod { inputs.append(NamedInput("chmod", chmod)) }
        if let unpack = copy.unpack { inputs.append(NamedInput("unpack", String(unpack))) }
        return inputs
    }

    /// The destination as an absolute path, and whether it says by its form that it is a directory.
    private var destination: (path: PathInRoot, isDirectory: Bool, text: String) {
        let text = copy.destination
        let path = text.hasPrefix("/") ? PathInRoot(text) : PathInRoot(copy.workingDirectory).joining(Array(text.utf8))
        let last = text.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let isDirectory = last.isEmpty || last == "." || last == ".."
        return (path, isDirectory, path.description + (isDirectory && !path.isRoot ? "/" : ""))
    }

    private func failure(_ sentence: String, at range: SourceRange?, hints: [String] = []) -> BuildError {
        .at(range, in: step.source, "\(step.instruction.name) \(sentence)", hints: hints)
    }
}

// MARK: - Sources

extension CopyStep {
    private func select() async throws -> Selection {
        var selection = Selection()
        if case .context = copy.from {
            if !copy.sources.isEmpty { try selectFromContext(&selection) }
        } else {
            try await selectFromImage(&selection)
        }
        let time = stage.timeBelow
        for file in copy.inlineFiles {
            let content = Array(file.content.utf8)
            let digest = SHA256Hasher.digest(of: content)
            selection.inputs.append(NamedInput("file \(file.name)", digest.hex))
            let entry = LayerEntry(
                path: PathInRoot(file.name),
                kind: .regular,
                permissions: 0o644,
                size: Int64(content.count),
                modified: time,
                contentDigest: digest
            )
            selection.roots.append(
                CopyRoot(
                    name: Array(file.name.utf8),
                    isDirectory: false,
                    items: .list([CopyItem(entry: entry, content: .bytes(content))]),
                    range: file.range
                )
            )
        }
        return selection
    }

    private func selectFromContext(_ selection: inout Selection) throws {
        guard let context = stage.run.context else {
            throw failure(
                "needs a build context, and there is none",
                at: step.instruction.range,
                hints: ["name a directory instead of `-` on the command line"]
            )
        }
        var listings: [ContextListing] = []
        var ranges: [SourceRange] = []
        for source in copy.sources {
            do throws(BuildContextError) {
                for root in try context.directory.select(source: Array(source.text.utf8), wildcards: .path) {
                    listings.append(try context.directory.list(root, excluding: excludes))
                    ranges.append(source.range)
                }
            } catch {
                throw contextFailure(error, at: source.range)
            }
        }
        do throws(BuildContextError) {
            var fingerprint = ContentFingerprint(of: listings, in: context.directory, cache: context.fingerprints)
            try fingerprint.readUnknown()
            selection.inputs.append(NamedInput("files", fingerprint.digest.hex))
            for (position, (listing, range)) in zip(fingerprint.listings, ranges).enumerated() {
                selection.roots.append(
                    CopyRoot(
                        name: Array(listing.root.name),
                        isDirectory: listing.root.isDirectory,
                        items: .context(listing, position),
                        range: range
                    )
                )
            }
            selection.fingerprint = fingerprint
        } catch {
            throw contextFailure(error, at: copy.sources.first?.range)
        }
    }

    private func contextFailure(_ error: BuildContextError, at range: SourceRange?) -> BuildError {
        guard case .missingSource(let missing) = error else { return failure("failed: \(error)", at: range) }
        let path = String(decoding: missing.path, as: UTF8.self)
        var hints: [String] = []
        if let suggestion = missing.suggestion {
            hints.append("did you mean `\(String(decoding: suggestion, as: UTF8.self))`?")
        }
        guard let exclusion = missing.exclusion else {
            if missing.linkTarget != nil { return failure("failed: \(missing)", at: range) }
            return failure("failed: `\(path)` is not in the build context", at: range, hints: hints)
        }
        let pattern = String(decoding: exclusion.pattern, as: UTF8.self)
        return failure(
            "failed: `\(path)` is excluded by `\(exclusion.file):\(exclusion.line)` (`\(pattern)`)",
            at: range,
            hints: hints
        )
    }

    private func selectFromImage(_ selection: inout Selection) async throws {
        let files = try await stage.files(of: copy.from)
        for source in copy.sources {
            do {
                guard let paths = try files.select(source.text) else {
                    throw failure(
                        "failed: `\(source.text)` is not in \(fromName)",
                        at: source.range
                    )
                }
                for path in paths {
                    selection.roots.append(try files.root(path, excluding: excludes, range: source.range))
                }
            } catch let error as LayerError {
                throw failure("failed: \(error)", at: source.range)
            }
        }
        selection.inputs.append(NamedInput("files", LayerStack.fingerprint(selection.roots).hex))
        // A file is called by the name that selects it, which the attributes of its content do not tell.
        for root in selection.roots where !root.isDirectory {
            selection.inputs.append(NamedInput("name", String(decoding: root.name, as: UTF8.self)))
        }
    }

    private var fromName: String {
        switch copy.from {
        case .stage(let index):
            "stage `\(stage.run.plan.allStages[index]?.name ?? String(index))`"
        case .image(let image): "image `\(image.reference.familiar)`"
        case .context, .scratch: "an empty filesystem"
        }
    }
}

// MARK: - Writing

extension CopyStep {
    private func writeLayer(_ selection: Selection) async throws -> Layer {
        let roots = selection.roots
        let files = try await stage.files()
        let change = try attributeChange(files)
        let time = newestTime(roots)
        var plan = LayerPlan(view: files.view, latestTime: stage.run.request.sourceDateEpoch) { path in
            var directory = LayerEntry.directory(path, modified: time)
            change.apply(to: &directory)
            return directory
        }
        try checkDestination(roots, plan)
        for root in roots {
            do {
                if let archive = try unpacked(root) {
                    try placeArchive(archive, change, &plan)
                } else {
                    try place(root, change, &plan)
                }
            } catch let conflict as LayerPlan.Conflict {
                throw failure(conflict.sentence, at: root.range)
            } catch let error as LayerError {
                throw failure("failed: \(error)", at: root.range)
            }
        }
        let writer = try stage.builder.layers.writer()
        _ = try LayerAssembly(plan, selection.fingerprint?.listings ?? [], in: selection.fingerprint?.context)
            .write(to: writer)
        return try writer.finish()
    }

    /// Directories that are made get the time of the newest file that goes into them, which no clock decides.
    private func newestTime(_ roots: [CopyRoot]) -> Int64 {
        roots.compactMap(\.newestTime).max() ?? stage.timeBelow
    }

    private func attributeChange(_ files: LayerStack) throws -> AttributeChange {
        var change = AttributeChange(mode: mode)
        guard let chown = copy.chown else { return change }
        let users = try files.users()
        let parts = chown.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        func unknown(_ kind: String, _ name: String) -> BuildError {
            .at(
                copy.chownRange,
                in: step.source,
                "unknown \(kind) `\(name)`",
                hints: ["a name must be in the /etc/passwd or /etc/group of this stage; a number always works"]
            )
        }
        if let user = parts.first, !user.isEmpty {
            guard let userID = users.userID(user) else { throw unknown("user", user) }
            change.userID = userID
            // Without a group: of a name its own, of a number the same number.
            change.groupID = users.primaryGroup(ofUserNamed: user) ?? userID
        }
        if parts.count == 2, !parts[1].isEmpty {
            guard let groupID = users.groupID(parts[1]) else { throw unknown("group", parts[1]) }
            change.groupID = groupID
        }
        return change
    }

    private func checkDestination(_ roots: [CopyRoot], _ plan: LayerPlan) throws {
        guard roots.count > 1, roots.contains(where: { !$0.isDirectory }), !destination.isDirectory,
            !plan.isDirectory(destination.path)
        else { return }
        throw failure(
            "with more than one source needs a directory as destination: write `\(copy.destination)/`",
            at: copy.destinationRange
        )
    }

    private func place(_ root: CopyRoot, _ change: AttributeChange, _ plan: inout LayerPlan) throws(LayerPlan.Conflict)
    {
        var target = try plan.resolve(destination.path)
        if !root.isDirectory, destination.isDirectory || plan.isDirectory(target) {
            try plan.addDirectories(target)
            target = target.appending(root.name)
            // What is there under the file's name is replaced, but a link to a file is written through.
            if let existing = plan.entry(at: target), existing.kind == .directory { throw .fileOverDirectory(target) }
        } else if root.isDirectory {
            try plan.addDirectories(target)
        }
        let source = plan.use(root, change)
        try root.forEach { (path, kind, reference) throws(LayerPlan.Conflict) in
            try plan.add(reference, kind, of: source, at: root.isDirectory ? target.joiningCleaned(path) : target)
        }
    }
}

// MARK: - Archives

extension CopyStep {
    /// The members of a local archive that `ADD` unpacks; `nil` for everything else.
    private func unpacked(_ root: CopyRoot) throws -> CopyRoot? {
        guard copy.isAdd, copy.unpack != false, !root.isDirectory, case .context(let listing, _) = root.items,
            listing.root.status.kind == .regular, let context = stage.run.context
        else { return nil }
        let path = context.directory.filePath(listing.root.resolvedPath)
        let status = listing.root.status
        let descriptor = try FileOperations.open(path, O_RDONLY | O_NOFOLLOW)
        defer { close(descriptor) }
        guard try FileStatus.of(descriptor: descriptor, path: path).isSameContent(as: status) else {
            throw ChangedWhileCopied(path: path)
        }
        guard ArchiveReader.isArchive(descriptor: descriptor) else { return nil }
        let items = try ArchiveMembers.read(
            descriptor: descriptor,
            name: "`\(String(decoding: root.name, as: UTF8.self))`",
            temporary: stage.builder.store[.temporary]
        )
        guard try FileStatus.of(descriptor: descriptor, path: path).isSameContent(as: status) else {
            throw ChangedWhileCopied(path: path)
        }
        // Zeros read as an archive without members: such a file, a blank disk image for one, is only copied.
        guard !items.isEmpty else { return nil }
        return CopyRoot(name: root.name, isDirectory: true, items: .list(items), range: root.range, isArchive: true)
    }

    private func placeArchive(_ root: CopyRoot, _ change: AttributeChange, _ plan: inout LayerPlan) throws(LayerPlan
        .Conflict)
    {
        let target = try plan.resolve(destination.path)
        try plan.addDirectories(target)
        let source = plan.use(root, change)
        try root.forEach { (path, kind, reference) throws(LayerPlan.Conflict) in
            guard !path.isEmpty else { return }
            let member = PathInRoot(path)
            // A member below a link is unpacked where the link leads inside the image.
            let directory = try plan.resolve(target.joiningCleaned(member.parent.bytes))
            try plan.add(reference, kind, of: source, at: directory.appending(member.name), replacing: true)
        }
    }
}

extension PathInRoot {
    /// A path that is clean already, below this one.
    func joiningCleaned(_ path: [UInt8]) -> PathInRoot {
        path.isEmpty ? self : appending(path)
    }
}
