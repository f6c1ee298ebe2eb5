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

extension CopyStep {
    /// Writes everything that is selected.
    ///
    /// - Parameter latest: An earlier layer, from which files are taken that it has with the same content.
    /// - Returns: The layer, and what is known of the context's files now.
    func write(_ selection: Selection, over latest: Layer?) async throws -> (LayerWriter, ContentFingerprint?) {
        var roots = selection.roots
        for content in selection.remote { roots.append(try await fetch(content)) }
        let files = try isLinked ? LayerStack([], in: stage.builder.layers) : await stage.files()
        let plan = try plan(roots, over: files, try await attributeChange())
        let (event, emit) = (stage.event, stage.builder.emit)
        let writer = try stage.builder.layers.writer(expectedCount: plan.count) { emit(.written(event, bytes: $0)) }
        let earlier = latest.flatMap { try? EarlierLayer($0, in: stage.builder.layers) }
        var fingerprint = selection.files?.fingerprint
        do {
            try LayerAssembly(plan, fingerprint, earlier).write(to: writer) { fingerprint?.learn($0) }
            return (writer, fingerprint)
        } catch let error as BuildContextError {
            throw contextFailure(error, at: copy.sources.first?.range)
        }
    }

    /// What the layer will hold, for an explanation; `nil` where that cannot be told without fetching or unpacking.
    func plannedFiles(_ selection: Selection) async -> PlannedFiles? {
        let roots = selection.roots
        guard selection.remote.isEmpty, !roots.contains(where: isArchive) else { return nil }
        // Without the files below, which may not be there, links in the destination are not followed.
        let below = isLinked ? nil : try? await stage.files()
        let change = (try? await attributeChange()) ?? AttributeChange(mode: copy.chmod)
        guard let files = try? below ?? LayerStack([], in: stage.builder.layers),
            let plan = try? plan(roots, over: files, change)
        else { return nil }
        return PlannedFiles(plan)
    }

    /// Puts everything in its place.
    private func plan(_ roots: [CopyRoot], over files: LayerStack, _ change: AttributeChange) throws -> LayerPlan {
        lazy var time = newestTime(roots)
        func newDirectory(_ change: AttributeChange) -> (PathInRoot) -> LayerEntry {
            { path in
                var directory = LayerEntry.directory(path, modified: time)
                change.apply(to: &directory, withMode: false)
                if let mode = change.mode { directory.permissions = mode.ofNewDirectory }
                return directory
            }
        }
        var plan = LayerPlan(
            view: files.view,
            latestTime: stage.run.plan.sourceDateEpoch,
            newDirectory: newDirectory(change)
        )
        try checkDestination(roots, plan)
        for root in roots {
            do {
                if let archive = try unpacked(root) {
                    // `--chmod` is not for archives, and `--chown` not for directories that the archive leaves out.
                    plan.newDirectory = newDirectory(AttributeChange(userID: change.userID, groupID: change.groupID))
                    let target = try plan.resolve(destination.path)
                    try plan.addDirectories(target)
                    plan.newDirectory = newDirectory(AttributeChange())
                    try placeArchive(archive, change, at: target, &plan)
                    plan.newDirectory = newDirectory(change)
                } else {
                    try place(root, change, &plan)
                }
            } catch let conflict as LayerPlan.Conflict {
                throw failure(conflict.sentence, at: root.range)
            } catch let error as LayerError {
                throw failure("failed: \(error)", at: root.range)
            }
        }
        return plan
    }

    /// Directories that are made get the time of the newest file that goes into them, which no clock decides.
    private func newestTime(_ roots: [CopyRoot]) -> Int64 {
        roots.compactMap(\.newestTime).max() ?? stage.timeBelow
    }

    /// What `--chown` and `--chmod` mean; a name is looked up in the image so far, a number stands for itself.
    func attributeChange() async throws -> AttributeChange {
        var change = AttributeChange(mode: copy.chmod)
        guard let chown = copy.chown else { return change }
        let parts = chown.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let hasNames = parts.contains { !$0.isEmpty && UInt32($0) == nil }
        let users = try hasNames ? await stage.files().users() : UserDatabase(passwd: [], group: [])
        func unknown(_ kind: String, _ name: String) -> BuildError {
            let reason = UserDatabase.reason(outOfRange: name)
            return .at(
                copy.chownRange,
                in: step.source,
                reason ?? "unknown \(kind) `\(name)`",
                hints: reason != nil
                    ? [] : ["a name must be in the /etc/passwd or /etc/group of this stage; a number always works"]
            )
        }
        if let user = parts.first, !user.isEmpty {
            guard let userID = users.userID(user) else { throw unknown("user", user) }
            change.userID = userID
            // Without a group: of a name its own, of a number the same number.
            change.groupID = users.primaryGroup(ofUserNamed: user) ?? userID
        }
        if parts.count == 2 {
            // Nothing behind the colon is group 0 (BuildKit).
            guard let groupID = parts[1].isEmpty ? 0 : users.groupID(parts[1]) else { throw unknown("group", parts[1]) }
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
            guard !root.name.isEmpty else { throw .nameless(target) }
            target = target.appending(root.name)
            // What is there under the file's name is replaced, even a link.
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

extension CopyStep {
    /// The members of an archive that `ADD` unpacks: a local one, or with `--unpack` a downloaded one; `nil` for everything
    /// else.
    private func unpacked(_ root: CopyRoot) throws -> CopyRoot? {
        guard copy.isAdd, !root.isDirectory else { return nil }
        switch root.items {
        case .context(let listing, _):
            guard copy.unpack != false, listing.root.status.kind == .regular, let context else { return nil }
            let path = context.directory.filePath(listing.root.resolvedPath)
            return try unpacked(root, at: path) { descriptor in
                guard try FileStatus.of(descriptor: descriptor, path: path).isSameContent(as: listing.root.status)
                else {
                    throw ChangedWhileCopied(path: path)
                }
            }
        case .list(let items):
            guard copy.unpack == true, case .stored(let path, _)? = items.first?.content else { return nil }
            return try unpacked(root, at: path) { _ in }
        }
    }

    /// Whether `ADD` unpacks a file of the context.
    private func isArchive(_ root: CopyRoot) -> Bool {
        guard copy.isAdd, copy.unpack != false, !root.isDirectory, case .context(let listing, _) = root.items,
            let context,
            let descriptor = try? FileOperations.open(
                context.directory.filePath(listing.root.resolvedPath),
                O_RDONLY | O_NOFOLLOW | O_NONBLOCK
            )
        else { return false }
        defer { close(descriptor) }
        // What is damaged is no file to copy either.
        return (try? ArchiveReader.isArchive(descriptor: descriptor, name: "")) ?? true
    }

    /// - Parameter check: Makes sure that the file is still what it was.
    private func unpacked(_ root: CopyRoot, at path: FilePath, check: (Int32) throws -> Void) throws -> CopyRoot? {
        let descriptor = try FileOperations.open(path, O_RDONLY | O_NOFOLLOW)
        defer { close(descriptor) }
        try check(descriptor)
        let name = "`\(String(decoding: root.name, as: UTF8.self))`"
        guard try ArchiveReader.isArchive(descriptor: descriptor, name: name) else { return nil }
        let items = try ArchiveMembers.read(
            descriptor: descriptor,
            name: name,
            temporary: stage.builder.store[.temporary]
        )
        try check(descriptor)
        // Zeros read as an archive without members: such a file, a blank disk image for one, is only copied.
        guard !items.isEmpty else { return nil }
        return CopyRoot(name: root.name, isDirectory: true, items: .list(items), range: root.range, isArchive: true)
    }

    private func placeArchive(
        _ root: CopyRoot,
        _ change: AttributeChange,
        at target: PathInRoot,
        _ plan: inout LayerPlan
    ) throws(LayerPlan.Conflict) {
        let source = plan.use(root, change)
        try root.forEach { (path, kind, reference) throws(LayerPlan.Conflict) in
            guard !path.isEmpty else { return }
            let member = PathInRoot(path)
            // A member below a link is unpacked where the link leads when the destination is the root (BuildKit unpacks in
            // a chroot): no archive reaches what is beside its destination.
            let directory = try plan.resolve(member.parent, below: target)
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
