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

/// `COPY` and `ADD`: selects files, and writes them as a layer without ever unpacking anything.
struct CopyStep {
    let copy: ResolvedCopy
    let step: PlannedStep
    let stage: StageBuilder
    /// What the sources are looked up in, unless that is another stage or image.
    let context: BuildContextFiles?
    let excludes: IgnoreFile
    let wildcards: ContextDirectory.Wildcards
    /// Whether the layer has nothing to do with those below it.
    ///
    /// As in BuildKit, `--link` means nothing with `--chmod`.
    let isLinked: Bool

    /// What one source stands for, and where it is written.
    struct Source {
        let root: CopyRoot
        let range: SourceRange
    }

    /// What the sources select.
    struct Selection {
        /// Everything but files of the context.
        var nonContextSources: [Source] = []
        /// What stands for them in the key.
        var otherInputs: [NamedInput] = []
        /// Sources from elsewhere, whose files are fetched before anything is written.
        var remote: [RemoteContent] = []
        /// The files of the context, with the range of each source.
        var files: (fingerprint: ContentFingerprint, ranges: [SourceRange])?

        var sources: [Source] {
            guard let (fingerprint, ranges) = files else { return nonContextSources }
            return zip(fingerprint.listings, ranges).enumerated().map { position, source in
                Source(root: CopyRoot(source.0, at: position), range: source.1)
            } + nonContextSources
        }

        /// What stands for everything in the key; every file must have been read.
        var inputs: [NamedInput] {
            (files.map { [NamedInput("files", $0.fingerprint.digest.hex)] } ?? []) + otherInputs
        }
    }

    /// - Parameter context: What `BuildRun.contextFiles` gives for `copy.from`.
    init(
        _ copy: ResolvedCopy,
        step: PlannedStep,
        stage: StageBuilder,
        context: BuildContextFiles?,
        wildcards: ContextDirectory.Wildcards = .path
    ) throws {
        self.copy = copy
        self.step = step
        self.stage = stage
        self.context = context
        self.wildcards = wildcards
        isLinked = copy.link && copy.chmod == nil
        do {
            excludes = try IgnoreFile(patterns: copy.excludes.map { Array($0.text.utf8) })
        } catch {
            let wrong = copy.excludes.first { (try? IgnoreFile(patterns: [Array($0.text.utf8)])) == nil }
            throw BuildError.at(wrong?.range, in: step.source, "\(step.instruction.name) failed: \(error)")
        }
    }

    /// Executes the step; a file that changes while it is copied makes it start again, three times at most.
    func execute(_ stage: inout StageBuilder) async throws -> BuildEvent.Outcome {
        for attempt in 1... {
            do {
                return try await attemptOnce(&stage, isFirst: attempt == 1)
            } catch let error as ChangedWhileCopied {
                guard attempt < 3 else { throw failure("failed: \(error)", at: step.instruction.range) }
            }
        }
        preconditionFailure("the loop only ends by returning or throwing")
    }

    private func attemptOnce(_ stage: inout StageBuilder, isFirst: Bool) async throws -> BuildEvent.Outcome {
        let alias = try await alias()
        if let alias, alias.isNeeded, await takeShared(alias.key, &stage) { return .cached }
        var selection = try await select()
        if isFirst, let outcome = try await writeWhileReading(&selection, &stage) { return outcome }
        try readUnknown(&selection)
        let complete = selection
        let make: StageBuilder.LayerMaker = { stage in
            let writer = try await write(complete, over: stage.cachedLayer(definition)?.layer).0
            return try finish(writer)
        }
        let key = key(complete.inputs)
        if await stage.takeShared(key, step, isIndependent: isLinked, make) { return .cached }
        let outcome = try await stage.layer(
            for: key,
            step,
            isIndependent: isLinked,
            files: { await plannedFiles(complete) },
            make: make
        )
        if let alias { stage.builder.shared?.keep(key, under: alias.key.digest) }
        return outcome
    }

    private func key(_ files: [NamedInput]) -> StepKey {
        StepKey(stage.commonInputs(copy.isAdd ? "ADD" : "COPY", isIndependent: isLinked) + options + files)
    }

    /// The key of the step whatever the files are: its record has the layer that was made last.
    private var definition: StepKey { key([NamedInput("files", "latest")]) }

    /// A layer below this size is made again as fast as it is found out what it has in common with the latest one.
    private static let recordedSize: Int64 = 1 << 20

    /// Ends a layer, and remembers it for the time when only some of its files have changed.
    private func finish(_ writer: LayerWriter) throws -> Layer {
        let layer = try writer.finish()
        if CopyStep.isContext(copy.from), layer.blob.size >= CopyStep.recordedSize {
            try stage.record(layer, definition, step, created: stage.run.creationTime)
        }
        return layer
    }

    /// Writes the layer in the same pass in which its files are read for the key, where it is sure to be needed: files
    /// that are not known are in no layer of this step, if it has none.
    ///
    /// - Returns: `nil` where that is not so.
    private func writeWhileReading(_ selection: inout Selection, _ stage: inout StageBuilder) async throws
        -> BuildEvent.Outcome?
    {
        guard stage.run.request.onMiss == .make, let unknown = selection.files?.fingerprint.unknown, !unknown.isEmpty
        else { return nil }
        let usesCache = stage.usesCache
        // Others may have the layer.
        if usesCache, stage.builder.shared?.hasSources == true { return nil }
        if usesCache, stage.builder.cache.record(for: definition) != nil { return nil }
        // Whoever else is at the same step waits, and then finds the layer.
        let lock = try await stage.lock(definition)
        defer { withExtendedLifetime(lock) {} }
        if usesCache, stage.builder.cache.record(for: definition) != nil { return nil }
        let incomplete = selection
        let (writer, fingerprint) = try await stage.whenSlotIsFree { try await write(incomplete, over: nil) }
        if let fingerprint { selection.files?.fingerprint = fingerprint }
        // Further names of one file, and files that a later source put another in place of, are not in the layer.
        try readUnknown(&selection)
        if let fingerprint = selection.files?.fingerprint, let file = fingerprint.changed {
            throw ChangedWhileCopied(file, in: fingerprint.listings)
        }
        let complete = selection
        return try await stage.layer(
            for: key(complete.inputs),
            step,
            isIndependent: isLinked,
            files: { await plannedFiles(complete) }
        ) { _ in
            try finish(writer)
        }
    }

    private func readUnknown(_ selection: inout Selection) throws {
        do throws(BuildContextError) {
            try selection.files?.fingerprint.readUnknown()
            if stage.run.request.onMiss != .pass { context?.fingerprints.startSaving() }
        } catch {
            throw contextFailure(error, at: copy.sources.first?.range)
        }
    }

    /// Everything but the files that decides what the layer holds.
    private var options: [NamedInput] {
        var inputs = [NamedInput("destination", destination.text)]
        if let chown = copy.chown { inputs.append(NamedInput("chown", chown)) }
        if let chmod = copy.chmod { inputs.append(NamedInput("chmod", chmod.text)) }
        if let unpack = copy.unpack { inputs.append(NamedInput("unpack", String(unpack))) }
        return inputs
    }

    /// The destination as an absolute path, and whether it says by its form that it is a directory.
    var destination: (path: PathInRoot, isDirectory: Bool, text: String) {
        let text = copy.destination
        let path = text.hasPrefix("/") ? PathInRoot(text) : PathInRoot(copy.workingDirectory).joining(Array(text.utf8))
        let last = text.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let isDirectory = last.isEmpty || last == "."
        return (path, isDirectory, path.description + (isDirectory && !path.isRoot ? "/" : ""))
    }

    func failure(_ sentence: String, at range: SourceRange?, hints: [String] = []) -> BuildError {
        .at(range, in: step.source, "\(step.instruction.name) \(sentence)", hints: hints)
    }
}

/// The way to a result of others without the content of what is copied.
extension CopyStep {
    /// The key by what the other stage or image is made of, where its content decides; used for nothing but to find the
    /// key by content, since two makings of a stage may differ.
    ///
    /// - Returns: Whether the content would have to be fetched, too; `nil` where there is no such key.
    private func alias() async throws -> (key: StepKey, isNeeded: Bool)? {
        guard let shared = stage.builder.shared, !isLinked, copy.inlineFiles.isEmpty,
            let source = try await stage.contentKey(of: copy.from)
        else { return nil }
        var inputs = [NamedInput("from", source.hex), NamedInput("parents", String(copy.parents))]
        inputs += copy.sources.map { NamedInput("source", $0.text) }
        inputs += copy.excludes.map { NamedInput("exclude", $0.text) }
        let isElsewhere = try await stage.layers(of: copy.from).contains { $0.isElsewhere }
        return (key(inputs), shared.hasSources && isElsewhere)
    }

    private func takeShared(_ alias: StepKey, _ stage: inout StageBuilder) async -> Bool {
        await stage.takeShared(alias, isAlias: true, step) { _ in
            var selection = try await select()
            try readUnknown(&selection)
            return try finish(try await write(selection, over: nil).0)
        }
    }
}
