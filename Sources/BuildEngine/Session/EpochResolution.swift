import BuildContext
import BuildPlanning
import ContentStore
import DockerfileSyntax
import FileSystem
import Layers
import OCI
import RemoteAddresses
import RemoteSources
import Reporting
import SystemPackage
import Tar

/// Finds out which time `SOURCE_DATE_EPOCH` means where it names a source and no number of seconds.
struct EpochResolution {
    let builder: Builder
    let plan: BuildPlan

    /// The time in seconds since 1970, as in BuildKit: of a commit, of a file as its server says, or of the newest file of
    /// an archive.
    ///
    /// - Parameter request: A named context that had to be opened stays open in it.
    /// - Returns: `nil` where the source says nothing of a time, such as a directory of this machine.
    func time(of source: SourceDateEpoch.Source, _ request: inout BuildRequest) async throws -> Int64? {
        switch source {
        case .context: return try request.context?.time()
        case .named(let key):
            guard let directory = try await request.namedContexts[key]?() else { return nil }
            request.namedContexts[key] = { directory }
            return try directory.time()
        case .stage(let index):
            let (copy, address) = try remoteSource(ofStage: index)
            let lock = try builder.store.lock(.shared)
            defer { withExtendedLifetime(lock) {} }
            return try await time(of: address, copy)
        }
    }

    /// The one thing that a stage takes from elsewhere; only of such a stage is it clear which time is meant.
    private func remoteSource(ofStage index: Int) throws -> (copy: ResolvedCopy, address: RemoteAddress) {
        let declared = plan.dockerfile.stages[index]
        guard let stage = plan.allStages[index], stage.base == .scratch else {
            throw unsuitable(declared.from.base.range)
        }
        var state = StageStart(of: stage, in: plan).state
        var found: (copy: ResolvedCopy, address: RemoteAddress)?
        for step in stage.steps {
            let resolved = try BuildError.inDockerfile { () throws(DiagnosticsError) in try state.resolve(step) }
            switch (step.instruction.kind, resolved.action) {
            case (.arg, _): continue
            case (.copy, .copy(let copy)) where found == nil && copy.isAdd && copy.inlineFiles.isEmpty:
                guard copy.sources.count == 1, case .remote(let address) = copy.sources[0].kind else {
                    throw unsuitable(step.instruction.range)
                }
                found = (copy, address)
            default: throw unsuitable(step.instruction.range)
            }
        }
        guard let found else { throw unsuitable(declared.from.base.range) }
        return found
    }

    private func unsuitable(_ range: SourceRange) -> BuildError {
        .at(
            range,
            in: plan.dockerfile.source,
            "\(SourceDateEpoch.name) needs a stage that starts from `scratch` and adds one remote source",
            hints: ["beside the ADD of one URL or Git repository there may be ARG only"]
        )
    }

    private func time(of address: RemoteAddress, _ copy: ResolvedCopy) async throws -> Int64? {
        let range = copy.sources[0].range
        do {
            switch address {
            case .git(let address):
                let repositories = builder.remote.repositories
                let checked = try copy.checksum.map { try address.checked(against: $0) } ?? address
                let commit = try await repositories.resolve(checked)
                return try await repositories.checkOut(commit, keepsGitDirectory: false).time
            case .web(let address):
                let files = builder.remote.files
                let checksum = try copy.checksum.map { try Digest(parsing: $0[...]) }
                let content = try await files.content(of: try await files.resolve(address, checksum: checksum))
                return content.modified == 0 ? newestMember(content.path) : content.modified
            }
        } catch let error as RemoteSourceError {
            let hints = error.hint.map { [$0] } ?? []
            throw BuildError.at(range, in: plan.dockerfile.source, "ADD failed: \(error)", hints: hints)
        } catch let error as AddressError {
            throw BuildError.at(range, in: plan.dockerfile.source, "ADD failed: \(error)")
        } catch let error as OCIError {
            throw BuildError.at(range, in: plan.dockerfile.source, "ADD --checksum: \(error)")
        }
    }

    /// When the newest file of an archive was changed; `nil` for anything but an archive.
    private func newestMember(_ path: FilePath) -> Int64? {
        guard let file = try? OpenFile(path),
            (try? ArchiveReader.isArchive(descriptor: file.descriptor, name: path.string)) == true,
            let reader = try? ArchiveReader(descriptor: file.descriptor, name: path.string)
        else { return nil }
        var newest: Int64?
        while let entry = try? reader.next() {
            if entry.kind == .regular { newest = max(newest ?? .min, entry.modified) }
        }
        return newest
    }
}
