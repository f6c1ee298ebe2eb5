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
import Tar

extension CopyStep {
    /// Writes everything that is selected.
    ///
    /// - Parameter latest: An earlier layer, from which files are taken that it has with the same content.
    /// - Returns: The layer, to be finished, and what is known of the context's files now.
    func write(over latest: Layer?) async throws -> (LayerWriter, ContentFingerprint?) {
        var sources = selection.sources
        for content in selection.remote { sources.append(try await fetch(content)) }
        let files = try isIndependent ? LayerStack([], in: context.builder.layers) : await context.names()
        let plan = try plan(sources, over: files, try await attributeChange())
        let writer = try context.writer(of: plan)
        let earlier = latest.flatMap { try? EarlierLayer($0, in: context.builder.layers) }
        var fingerprint = selection.files?.fingerprint
        do {
            try LayerAssembly(plan, fingerprint, earlier).write(to: writer) { fingerprint?.learn($0) }
            return (writer, fingerprint)
        } catch let error as BuildContextError {
            throw context.failure(error, at: copy.sources.first?.range)
        }
    }

    /// What the layer will hold, for an explanation; `nil` where that cannot be told without fetching or unpacking.
    func plannedFiles() async -> PlannedFiles? {
        let sources = selection.sources
        guard selection.remote.isEmpty, !sources.contains(where: { isArchive($0.root) }) else { return nil }
        // Without the files below, which may not be there, links in the destination are not followed.
        let below = isIndependent ? nil : try? await context.below.knownNames(in: context.builder.layers)
        let change = (try? await attributeChange()) ?? AttributeChange(permissions: newPermissions)
        guard let files = try? below ?? LayerStack([], in: context.builder.layers),
            let plan = try? plan(sources, over: files, change)
        else { return nil }
        return PlannedFiles(plan)
    }

    /// Puts everything in its place.
    private func plan(_ sources: [Source], over files: LayerStack, _ change: AttributeChange) throws -> LayerPlan {
        // Directories that are made get the time of the newest file that goes into them, which no clock decides.
        lazy var time = sources.compactMap(\.root.newestTime).max() ?? context.timeBelow
        func newDirectory(_ change: AttributeChange, _ mode: ModeChange? = nil) -> (PathInRoot) -> LayerEntry {
            { path in
                var directory = LayerEntry.directory(path, modified: time)
                change.apply(to: &directory, withPermissions: false)
                if let mode { directory.permissions = mode.ofNewDirectory }
                return directory
            }
        }
        var plan = LayerPlan(
            view: files.view,
            latestTime: context.session.plan.sourceDateEpoch,
            newDirectory: newDirectory(change, copy.chmod)
        )
        try checkDestination(sources.map(\.root), plan)
        for source in sources {
            do {
                if let archive = try unpacked(source.root) {
                    // `--chmod` is not for archives, and `--chown` not for directories that the archive leaves out.
                    plan.newDirectory = newDirectory(change)
                    let target = try plan.resolve(destination.path)
                    try plan.addDirectories(target)
                    plan.newDirectory = newDirectory(AttributeChange())
                    try plan.unpack(archive, change, into: target)
                    plan.newDirectory = newDirectory(change, copy.chmod)
                } else {
                    try plan.copy(
                        source.root,
                        change,
                        to: destination.path,
                        isDirectory: destination.isDirectory
                    )
                }
            } catch let conflict as LayerPlan.Conflict {
                throw context.failure(conflict.sentence, at: source.range)
            } catch let error as LayerError {
                throw context.failure("failed: \(error)", at: source.range)
            }
        }
        return plan
    }

    /// What `--chmod` makes of permissions.
    private var newPermissions: (@Sendable (UInt16, Bool) -> UInt16)? {
        guard let mode = copy.chmod else { return nil }
        return { mode.applied(to: $0, isDirectory: $1) }
    }

    /// What `--chown` and `--chmod` mean; a name is looked up in the image so far, a number stands for itself.
    func attributeChange() async throws -> AttributeChange {
        var change = AttributeChange(permissions: newPermissions)
        guard let chown = copy.chown else { return change }
        let parts = chown.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let hasNames = parts.contains { !$0.isEmpty && UInt32($0) == nil }
        let users = try hasNames ? await context.files().users() : UserDatabase(passwd: [], group: [])
        func unknown(_ kind: String, _ name: String) -> BuildError {
            let reason = UserDatabase.reason(outOfRange: name)
            return .at(
                copy.chownRange,
                in: context.step.source,
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
        throw context.failure(
            "with more than one source needs a directory as destination: write `\(copy.destination)/`",
            at: copy.destinationRange
        )
    }
}

extension CopyStep {
    /// The members of an archive that `ADD` unpacks: a local one, or with `--unpack` a downloaded one; `nil` for everything
    /// else.
    private func unpacked(_ root: CopyRoot) throws -> CopyRoot? {
        guard copy.isAdd, !root.isDirectory else { return nil }
        let path: FilePath
        var status: FileStatus?
        switch root.items {
        case .context(let listing, _):
            guard copy.unpack != false, listing.root.status.kind == .regular, let buildContext else { return nil }
            path = buildContext.directory.filePath(listing.root.resolvedPath)
            status = listing.root.status
        case .list(let items):
            guard copy.unpack == true, case .stored(let stored, _)? = items.first?.content else { return nil }
            path = stored
        }
        let temporary = context.builder.store[.temporary]
        return try CopyRoot(membersOf: path, name: root.name, expecting: status, temporary: temporary)
    }

    /// Whether `ADD` unpacks a file of the context.
    private func isArchive(_ root: CopyRoot) -> Bool {
        guard copy.isAdd, copy.unpack != false, !root.isDirectory, case .context(let listing, _) = root.items,
            let buildContext,
            let descriptor = try? FileOperations.open(
                buildContext.directory.filePath(listing.root.resolvedPath),
                O_RDONLY | O_NOFOLLOW | O_NONBLOCK
            )
        else { return false }
        defer { close(descriptor) }
        // A damaged archive is not copied as a file either.
        return (try? ArchiveReader.isArchive(descriptor: descriptor, name: "")) ?? true
    }
}
