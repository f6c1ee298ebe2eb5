import BuildCache
import BuildPlanning
import Layers
import OCI
import Reporting

/// The stages and images that steps take files from.
struct StageSources: Sendable {
    let session: BuildSession
    let bases: BaseResolution.Bases
    let results: StageResults
    let forecast: MissForecast

    /// The files of another stage or image.
    func files(of source: ContentSource) async throws -> LayerStack {
        try LayerStack(try await layers(of: source).layers, in: session.builder.layers)
    }

    /// The layers of another stage or image, lowest first.
    func layers(of source: ContentSource) async throws -> [StageLayer] {
        switch source {
        case .context, .named, .scratch: []
        case .stage(let index): try await results.files(index).layers
        case .image(let image) where bases.missing.contains(image):
            throw MissingDependency(reason: .imageMissing(image.reference.familiar))
        case .image(let image): bases.layers[image] ?? []
        }
    }

    /// What decides the files of another stage or image; `nil` for a context.
    func key(of source: ContentSource) async throws -> Digest? {
        switch source {
        case .context, .named, .scratch: nil
        case .stage(let index): try await results.files(index).key
        case .image(let image): bases.images[image].map { $0.key.digest }
        }
    }

    /// What messages call another stage or image.
    func name(of source: ContentSource) -> String {
        switch source {
        case .stage(let index): "stage `\(session.plan.allStages[index]?.name ?? String(index))`"
        case .image(let image): "image `\(image.reference.familiar)`"
        case .context, .named, .scratch: "an empty filesystem"
        }
    }
}
