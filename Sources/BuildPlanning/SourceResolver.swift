import DockerfileSyntax
import OCI
import Reporting

/// Finds out what `--from` means in one stage.
struct SourceResolver {
    let dockerfile: Dockerfile
    /// The stage in which the instruction runs.
    let index: Int
    let platform: Platform
    let namedContexts: [String: NamedContext]

    /// Resolves a named context, a stage name in any case, an index, or an image name.
    func resolve(_ word: Word) throws(Diagnostic) -> ContentSource {
        guard !word.text.contains("$") else {
            throw Diagnostic(
                "variables are not expanded in `from`",
                at: word.range,
                hints: ["give the image a name with `FROM \(word.text) AS name`, and take the files from that stage"]
            )
        }
        let name = word.text.lowercased()
        if let context = namedContexts.isEmpty ? nil : self.context(word.text) ?? self.context(name) { return context }
        if let earlier = dockerfile.stages[..<index].last(where: { $0.name == name }) { return .stage(earlier.index) }
        if let other = dockerfile.stages[index...].first(where: { $0.name == name }) {
            throw notEarlier(other, word)
        }
        if word.text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(word.text) {
            guard number < dockerfile.stages.count else {
                throw Diagnostic(
                    "there is no stage \(number)",
                    at: word.range,
                    label: "the stages are 0 to \(dockerfile.stages.count - 1)"
                )
            }
            guard number < index else { throw notEarlier(dockerfile.stages[number], word) }
            return .stage(number)
        }
        if name == "scratch" { return .scratch }
        do {
            return .image(ImageSource(reference: try ImageReference(parsing: word.text), platform: platform))
        } catch {
            throw Diagnostic(error.description, at: word.range)
        }
    }

    private func context(_ name: String) -> ContentSource? {
        let key = NamedContext.key(name)
        switch namedContexts[key] {
        case .image(let reference)?: return .image(ImageSource(reference: reference, platform: platform))
        case .files?: return .named(key)
        case nil: return nil
        }
    }

    private func notEarlier(_ stage: Dockerfile.Stage, _ word: Word) -> Diagnostic {
        Diagnostic(
            stage.index == index
                ? "a stage cannot copy from itself" : "the stage `\(word.text)` comes later in the file",
            at: word.range,
            notes: [.init("the stage begins here", at: stage.instruction.keyword.range)]
        )
    }

    /// Plans an instruction: what it takes files from.
    func step(_ instruction: Instruction, in source: SourceText, trigger: TriggerOrigin? = nil) throws(Diagnostic)
        -> PlannedStep
    {
        let (copy, mounts) = try sources(of: instruction)
        return PlannedStep(instruction, in: source, trigger: trigger, copySource: copy, mountSources: mounts)
    }

    /// What an instruction takes files from: `COPY --from`, and each mount.
    private func sources(of instruction: Instruction) throws(Diagnostic) -> (
        copy: ContentSource, mounts: [ContentSource]
    ) {
        switch instruction.kind {
        case .copy(let copy):
            guard let from = copy.from else { return (.context, []) }
            return (try resolve(from), [])
        case .run(let run):
            var mounts: [ContentSource] = []
            for mount in run.mounts {
                let from = mount.options.last { $0.key.text == "from" }?.value
                mounts.append(try from.flatMap { $0.text.isEmpty ? nil : $0 }.map(resolve) ?? .context)
            }
            return (.context, mounts)
        default:
            return (.context, [])
        }
    }
}

/// The stages and images that some sources name.
struct SourceSet {
    var stages: Set<Int> = []
    var images: Set<ImageSource> = []

    mutating func insert(_ step: PlannedStep) {
        for source in [step.copySource] + step.mountSources {
            switch source {
            case .stage(let index): stages.insert(index)
            case .image(let image): images.insert(image)
            case .context, .named, .scratch: break
            }
        }
    }
}
