internal import BuildCache
public import BuildRecords
internal import ContentStore
public import Images
public import Layers
internal import OCI
internal import Reporting
internal import Tar

extension BuildRecord {
    /// The files before a step and behind it.
    ///
    /// - Throws: `UserError` where the step made no layer, or something is not there any more; `LayerError`.
    public func files(around place: StepPlace, in images: ImageStore) throws -> (before: MergedView, after: MergedView)
    {
        guard let layer = self[place].layer else {
            let step = self[place]
            throw UserError(
                "`\(step.text)` made no layer: it \(step.result == .failed ? "failed" : "changes no files, or did not run")",
                hints: step.result == .failed ? ["`swiftbuild debug-shell` shows what it left"] : []
            )
        }
        let below = try layers(below: place, images).map { try images.layers.index(of: $0) }
        let own = try images.layers.index(of: Layer(diffID: layer.diffID, tarSize: layer.tarSize))
        return (MergedView(layers: below), MergedView(layers: below + [own]))
    }

    /// Lowest first.
    private func layers(below place: StepPlace, _ images: ImageStore) throws -> [Layer] {
        let steps = stages[place.stage].steps
        let base = steps.first?.inputs ?? []
        var result: [Layer] = []
        if let text = base.first(where: { $0.name == "stage" })?.value {
            // Only an earlier one: the record may be anybody's.
            guard let stage = Int(text), (0..<place.stage).contains(stage) else {
                throw UserError("the record of the build `\(id)` is damaged")
            }
            result = try layers(below: StepPlace(stage: stage, step: stages[stage].steps.count), images)
        } else if let text = base.first(where: { $0.name == "image" })?.value {
            guard let image = (try? Digest(parsing: text)).flatMap({ images.image(id: $0) }) else {
                throw UserError("the base image \(text) is no longer in the store")
            }
            result = try images.layers(of: image)
        }
        for layer in steps.prefix(place.step).compactMap(\.layer) {
            result.append(Layer(diffID: layer.diffID, tarSize: layer.tarSize))
        }
        return result
    }
}
