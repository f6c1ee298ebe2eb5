import BuildCache
import BuildPlanning
import BuildRecords
import DockerfileSyntax
import Layers
import OCI
import Reporting

/// What builds tell each other through a shared cache.
extension BuildSession {
    /// What is built, whatever files and values go into it: the same stages with the same instructions, or at least the
    /// same Dockerfile by its name and the names of its stages.
    var definitions: [Digest] {
        let platform = NamedInput("platform", plan.options.targetPlatform.description)
        var exact = [NamedInput("definition", "instructions"), platform]
        var near = [NamedInput("definition", "names"), platform]
        let name = (request.dockerfileName ?? plan.dockerfile.source.name).split(separator: "/").last
        near.append(NamedInput("file", name.map(String.init) ?? ""))
        for stage in plan.stages {
            let name = NamedInput("stage", stage.name ?? String(stage.index))
            exact.append(name)
            near.append(name)
            exact.append(NamedInput("step", stage.from.text))
            exact += stage.steps.map { NamedInput("step", $0.instruction.text) }
        }
        return [StepKey(exact).digest, StepKey(near).digest]
    }

    /// Compares misses with the latest build of others as well.
    func considerSharedBuild(in explainer: MissExplainer) async {
        guard !explainer.considersOthers, let shared = builder.shared, let text = await shared.latestBuild(),
            var record = BuildRecord(sharedText: text)
        else { return }
        for stage in record.stages.indices {
            for position in record.stages[stage].steps.indices where record.stages[stage].steps[position].inputs.isEmpty
            {
                let key = record.stages[stage].steps[position].key
                record.stages[stage].steps[position].inputs = key.flatMap(shared.listedInputs) ?? []
            }
        }
        explainer.consider(record)
    }

    /// Tells others what the bases are, and what those hold that are here.
    func keepIndexes(of bases: BaseResolution.Bases) {
        guard let shared = builder.shared else { return }
        shared.keepDocuments(bases.images.values.flatMap(\.documents))
        for layer in Set(bases.layers.values.joined().compactMap(\.promised)) where builder.layers.isAvailable(layer) {
            shared.keepIndex(ofLayer: layer.diffID, layer.blob)
        }
    }
}
