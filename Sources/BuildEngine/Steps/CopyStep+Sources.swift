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
    func select() async throws -> Selection {
        var selection = Selection()
        if CopyStep.isContext(copy.from) {
            if !copy.sources.isEmpty { try selectFromContext(&selection) }
        } else {
            try await selectFromImage(&selection)
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
            selection.otherRoots.append(
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

    static func isContext(_ source: ContentSource) -> Bool {
        switch source {
        case .context, .named: true
        case .stage, .image, .scratch: false
        }
    }

    private func selectFromContext(_ selection: inout Selection) throws {
        guard let context else {
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
        let fingerprint = ContentFingerprint(of: listings, in: context.directory, cache: context.fingerprints)
        selection.files = (fingerprint, ranges)
    }

    func contextFailure(_ error: BuildContextError, at range: SourceRange?) -> BuildError {
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
                    selection.otherRoots.append(try files.root(path, excluding: excludes, range: source.range))
                }
            } catch let error as LayerError {
                throw failure("failed: \(error)", at: source.range)
            }
        }
        selection.otherInputs.append(NamedInput("files", LayerStack.fingerprint(selection.otherRoots).hex))
        // A file is called by the name that selects it, which the attributes of its content do not tell.
        for root in selection.otherRoots where !root.isDirectory {
            selection.otherInputs.append(NamedInput("name", String(decoding: root.name, as: UTF8.self)))
        }
    }

    private var fromName: String {
        switch copy.from {
        case .stage(let index):
            "stage `\(stage.run.plan.allStages[index]?.name ?? String(index))`"
        case .image(let image): "image `\(image.reference.familiar)`"
        case .context, .named, .scratch: "an empty filesystem"
        }
    }
}
