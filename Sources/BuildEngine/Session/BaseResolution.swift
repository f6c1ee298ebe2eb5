import BuildPlanning
import DockerfileSyntax
import OCI
import Reporting

/// Finds the images that the stages start from, before any stage is built: their triggers may need further stages.
struct BaseResolution {
    struct Bases: Sendable {
        /// The stages to build, in file order.
        var stages: [PlannedStage] = []
        var images: [ImageSource: BaseImage] = [:]
        /// Lowest first.
        var layers: [ImageSource: [StageLayer]] = [:]
        /// Those that are not in the store, in a run that fetches nothing.
        var missing: Set<ImageSource> = []
        /// The stages that the triggers of a stage's base image need, by the stage's index.
        var triggerDependencies: [Int: Set<Int>] = [:]
    }

    private let session: BuildSession

    init(_ session: BuildSession) {
        self.session = session
    }

    func resolve() async throws -> Bases {
        var bases = Bases()
        let found = await find(Set(session.plan.stages.flatMap(\.allImages)))
        var waiting = session.plan.stages
        var seen = Set(waiting.map(\.index))
        while let stage = waiting.popLast() {
            bases.stages.append(stage)
            var further: Set<Int> = []
            if case .image(let source) = stage.base {
                let image = try await image(source, for: stage, found, &bases)
                let start = StageStart(of: stage, in: session.plan, image: image?.configuration)
                let triggers = try BuildError.inDockerfile { () throws(DiagnosticsError) in try start.triggers }
                bases.triggerDependencies[stage.index] = triggers.dependencies
                further = triggers.dependencies
                for source in triggers.images { _ = try await self.image(source, for: stage, found, &bases) }
            }
            for source in stage.images { _ = try await image(source, for: stage, found, &bases) }
            // Of a stage that only a trigger needs, all that it stands on is needed, too.
            for index in further.union(stage.dependencies).sorted() where seen.insert(index).inserted {
                guard let needed = session.plan.allStages[index] else {
                    let name = session.plan.dockerfile.stages[index].name ?? String(index)
                    throw BuildError.at(
                        stage.from.range,
                        in: session.plan.dockerfile.source,
                        "a trigger of this base needs the stage `\(name)`, which has errors",
                        hints: ["`swiftbuild check` shows them"]
                    )
                }
                waiting.append(needed)
            }
        }
        bases.stages.sort { $0.index < $1.index }
        return bases
    }

    /// Asks for several images at once; a failure is told by the stage that needs the image.
    private func find(_ sources: Set<ImageSource>) async -> [ImageSource: Result<BaseImage, any Error>] {
        await withTaskGroup(of: (ImageSource, Result<BaseImage, any Error>).self) { group in
            for source in sources {
                group.addTask {
                    do {
                        let images = self.session.builder.images
                        return (source, .success(try await images.image(source.reference, platform: source.platform)))
                    } catch {
                        return (source, .failure(error))
                    }
                }
            }
            var found: [ImageSource: Result<BaseImage, any Error>] = [:]
            for await (source, result) in group { found[source] = result }
            return found
        }
    }

    private func image(
        _ source: ImageSource,
        for stage: PlannedStage,
        _ found: [ImageSource: Result<BaseImage, any Error>],
        _ bases: inout Bases
    ) async throws -> BaseImage? {
        if let known = bases.images[source] { return known }
        let text = session.plan.dockerfile.source
        let place = place(of: source, in: stage)
        let image: BaseImage
        do {
            if let found = try found[source]?.get() {
                image = found
            } else {
                image = try await session.builder.images.image(source.reference, platform: source.platform)
            }
        } catch let error as BaseImageError {
            if session.request.onMiss == .report {
                bases.missing.insert(source)
                return nil
            }
            throw BuildError.at(place, in: text, error.message, hints: error.hints)
        }
        bases.images[source] = image
        bases.layers[source] = layers(of: image, source)
        return image
    }

    private func layers(of image: BaseImage, _ source: ImageSource) -> [StageLayer] {
        guard let fetch = image.fetch else { return image.layers.map { StageLayer($0) } }
        // All at once, since whatever needs one of them needs the others to know what it sees of it.
        let isLooking = session.request.onMiss == .report
        let whole = Lazy {
            guard !isLooking else { throw MissingDependency(reason: .imageMissing(source.reference.familiar)) }
            try await fetch()
        }
        return image.layers.map { layer in
            StageLayer(layer) {
                try await whole.value
                return layer
            }
        }
    }

    /// The word that names an image.
    private func place(of source: ImageSource, in stage: PlannedStage) -> SourceRange {
        if case .image(let base) = stage.base, base.reference == source.reference,
            case .from(let from) = stage.from.kind
        {
            return from.base.range
        }
        for step in stage.steps {
            switch step.instruction.kind {
            case .copy(let copy) where step.copySource == .image(source):
                if let from = copy.from { return from.range }
            case .run(let run):
                guard let position = step.mountSources.firstIndex(of: .image(source)) else { continue }
                let from = run.mounts[position].options.last { $0.key.text == "from" }
                if let from { return from.value?.range ?? from.key.range }
            default: break
            }
        }
        // A trigger of the base names it.
        if case .from(let from) = stage.from.kind { return from.base.range }
        return stage.from.range
    }
}

extension PlannedStage {
    /// The images that it starts from and takes files from, as far as they are known before its base is.
    fileprivate var allImages: [ImageSource] {
        if case .image(let source) = base { [source] + images } else { Array(images) }
    }
}
