import BuildCache
import BuildContext
import BuildPlanning
import DockerfileSyntax
import FileSystem
import LayerWriting
import Layers
import OCI
import Reporting
import Tar

/// `COPY` and `ADD`: selects files, and writes them as a layer without ever unpacking anything.
struct CopyStep: LayerStep {
    let context: StepContext
    let copy: ResolvedCopy
    /// What the sources are looked up in, unless that is another stage or image.
    let buildContext: OpenedContext?
    let excludes: IgnoreFile
    /// What the sources select, once the inputs are read.
    private(set) var selection = Selection()
    private var written: WrittenLayer?

    /// As in BuildKit, `--link` means nothing with `--chmod`.
    var isIndependent: Bool { copy.link && copy.chmod == nil }

    /// What one source stands for, and where it is written.
    struct Source: Sendable {
        let root: CopyRoot
        let range: SourceRange
    }

    /// What the sources select.
    struct Selection: Sendable {
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

    /// A layer that was written in the pass that read its files for the key, and the lock on the latest layer's key.
    // Belongs to the one task that executes the step.
    private final class WrittenLayer: @unchecked Sendable {
        let writer: LayerWriter
        let lock: FileLock

        init(_ writer: LayerWriter, _ lock: FileLock) {
            self.writer = writer
            self.lock = lock
        }
    }

    /// - Parameter buildContext: What `BuildSession.openedContext` gives for `copy.from`.
    init(_ copy: ResolvedCopy, _ context: StepContext, _ buildContext: OpenedContext?) throws {
        self.copy = copy
        self.context = context
        self.buildContext = buildContext
        do {
            excludes = try IgnoreFile(patterns: copy.excludes.map { Array($0.text.utf8) })
        } catch {
            let wrong = copy.excludes.first { (try? IgnoreFile(patterns: [Array($0.text.utf8)])) == nil }
            throw context.failure("failed: \(error)", at: wrong?.range)
        }
    }

    /// The key by what the other stage or image is made of, where its content decides.
    func alias() async throws -> StepAlias? {
        guard let shared = context.builder.shared, !isIndependent, copy.inlineFiles.isEmpty,
            let source = try await context.sources.key(of: copy.from)
        else { return nil }
        var files = [NamedInput("from", source.hex), NamedInput("parents", String(copy.parents))]
        files += copy.sources.map { NamedInput("source", $0.text) }
        files += copy.excludes.map { NamedInput("exclude", $0.text) }
        let isRemote = try await context.sources.layers(of: copy.from).contains { $0.isRemote }
        return StepAlias(key: StepKey(inputs(files)), isNeeded: shared.hasSources && isRemote)
    }

    mutating func readInputs(isFirstAttempt: Bool) async throws -> [NamedInput] {
        selection = try await select()
        if isFirstAttempt { try await writeWhileReading() }
        try readUnknown()
        return inputs(selection.inputs)
    }

    func make(_ key: StepKey) async throws -> StepProduct {
        if let written { return .layer(try finish(written.writer)) }
        return .layer(try finish(try await write(over: context.cachedLayer(latestLayerKey)?.layer).0))
    }

    /// Ends a layer, and remembers it for the time when only some of its files have changed.
    private func finish(_ writer: LayerWriter) throws -> Layer {
        let layer = try writer.finish()
        if copy.from.isContext { try context.recordLatest(layer, latestLayerKey) }
        return layer
    }

    /// Writes the layer in the same pass in which its files are read for the key, where it is sure to be needed: files
    /// that are not known are in no layer of this step, if it has none.
    private mutating func writeWhileReading() async throws {
        let context = context
        guard context.session.request.onMiss == .make, selection.files?.fingerprint.unknown.isEmpty == false,
            // Others may have the layer.
            !context.usesCache || context.builder.shared?.hasSources != true
        else { return }
        let key = latestLayerKey
        func hasLatestLayer() -> Bool { context.usesCache && context.builder.cache.record(for: key) != nil }
        guard !hasLatestLayer() else { return }
        // Another build at the same step waits, and then finds the layer.
        let lock = try await context.lock(key)
        guard !hasLatestLayer() else { return }
        let step = self
        let (writer, fingerprint) = try await context.progress.whenSlotIsFree { try await step.write(over: nil) }
        if let fingerprint { selection.files?.fingerprint = fingerprint }
        // Further names of one file, and files that a later source put another in place of, are not in the layer.
        try readUnknown()
        if let fingerprint = selection.files?.fingerprint, let file = fingerprint.changed {
            throw ChangedWhileCopied(file, in: fingerprint.listings)
        }
        written = WrittenLayer(writer, lock)
    }

    private mutating func readUnknown() throws {
        do throws(BuildContextError) {
            try selection.files?.fingerprint.readUnknown()
            if context.session.request.onMiss != .report { buildContext?.fingerprints.startSaving() }
        } catch {
            throw context.failure(error, at: copy.sources.first?.range)
        }
    }

    /// The key of the step whatever the files are: its record has the layer that was made last.
    private var latestLayerKey: StepKey { StepKey(inputs([NamedInput("files", "latest")])) }

    private func inputs(_ files: [NamedInput]) -> [NamedInput] {
        let below = isIndependent ? nil : context.below.key
        return context.commonInputs(copy.isAdd ? "ADD" : "COPY", on: below) + options + files
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
}
