public import BuildCache
internal import ContentStore
public import Layers
internal import OCI
public import Reporting
internal import Synchronization
public import Tar

/// Tells why steps were not found in the cache, by comparing them with the nearest ones that were built before.
///
/// The nearest one is the same step in the latest build of the same Dockerfile, here or where results are shared, or of
/// another one that has it too, and else a step of the same text with the most inputs in common.
public final class MissExplainer: Sendable {
    /// A step of a build and what is known of it.
    public struct Subject {
        /// The build that it belongs to, which may still run.
        public let record: BuildRecord
        /// The position of the stage.
        public let stage: Int
        /// Its position in the stage, where `FROM` is 0.
        public let step: Int
        /// What its key is made of; `nil` where that is not known any more.
        public let inputs: [NamedInput]?
        /// What its layer has or will have, in ascending order of paths.
        public let files: () -> (any Sequence<LayerEntry>)?

        public init(
            _ record: BuildRecord,
            stage: Int,
            step: Int,
            inputs: [NamedInput]?,
            files: @escaping () -> (any Sequence<LayerEntry>)? = { nil }
        ) {
            self.record = record
            self.stage = stage
            self.step = step
            self.inputs = inputs
            self.files = files
        }

        fileprivate var steps: [BuildRecord.Step] { record.stages[stage].steps }
        fileprivate var own: BuildRecord.Step { steps[step] }
    }

    /// The step of an earlier build that a step is compared with.
    private struct Earlier {
        let record: BuildRecord
        let stage: Int
        let step: Int
        let alignment: StageAlignment

        var steps: [BuildRecord.Step] { record.stages[stage].steps }
        var own: BuildRecord.Step { steps[step] }
    }

    private let layers: LayerStore
    private let records: BuildRecordStore
    private let cache: StepCache
    /// Those that were needed so far, latest first, and the IDs of the others.
    private let builds: Mutex<(read: [BuildRecord], rest: ArraySlice<BuildRecord.ID>)>
    /// The latest build of another store.
    private let shared = Mutex<BuildRecord?>(nil)
    /// Read when they are first needed.
    private let results = Mutex<[String: [CacheRecord]]?>(nil)

    public init(_ layers: LayerStore) {
        self.layers = layers
        records = BuildRecordStore(layers.store)
        builds = Mutex(([], records.ids[...]))
        cache = StepCache(layers.store)
    }

    /// Compares with a build of another store as well, whose steps have all their inputs with them.
    public func consider(_ record: BuildRecord) { shared.withLock { $0 = record } }

    /// Whether it does already.
    public var considersOthers: Bool { shared.withLock { $0 != nil } }

    /// The layer that a step is compared with of which nothing is known here, if its files are what differs.
    public func unknownLayer(for subject: Subject) -> CacheRecord.LayerResult? {
        guard let earlier = nearest(subject), let layer = earlier.own.layer, let inputs = subject.inputs,
            let old = records.inputs(of: earlier.own), index(layer) == nil,
            InputComparison(inputs, with: old).differences.contains(where: { $0.name == "files" })
        else { return nil }
        return layer
    }

    /// A step of a build that is over.
    ///
    /// - Returns: `nil` where there is nothing to tell: its result was found, or it was not its turn.
    public func explain(_ record: BuildRecord, stage: Int, step: Int) -> StepExplanation? {
        let own = record.stages[stage].steps[step]
        switch own.result {
        case .ran, .failed, .refused, .base: break
        case .cached, .skipped, .notRun: return nil
        }
        let layers = layers
        let subject = Subject(record, stage: stage, step: step, inputs: records.inputs(of: own)) {
            guard
                let index = own.layer.flatMap({ try? layers.index(of: Layer(diffID: $0.diffID, tarSize: $0.tarSize)) })
            else { return nil }
            return (0..<index.count).lazy.map { index[$0] }
        }
        let explanation = explain(subject)
        // The base is not a result, and only what differs about it is of interest.
        if own.result == .base {
            switch explanation.reasons.first {
            case nil, .unknownStep, .resultGone, .inputsForgotten, .cacheNotUsed: return nil
            default: break
            }
        }
        return explanation
    }

    /// A step that was looked up and not found.
    public func explain(_ subject: Subject) -> StepExplanation {
        guard subject.record.stages[subject.stage].usesCache || subject.own.result == .base else {
            return StepExplanation([.cacheNotUsed])
        }
        if let earlier = nearest(subject) { return StepExplanation(compare(subject, earlier)) }
        guard let inputs = subject.inputs, let similar = similar(subject, inputs) else {
            return StepExplanation([.unknownStep])
        }
        let isOtherBelow = below(inputs) != below(similar.key.inputs)
        let own = reasons(subject, inputs, text: similar.instruction, similar.key.inputs, similar.layer)
        return StepExplanation(isOtherBelow || own.isEmpty ? [.otherStepsBelow] + own : own)
    }
}

// MARK: - Finding

extension MissExplainer {
    private func nearest(_ subject: Subject) -> Earlier? {
        let own = subject.record
        for isSame in [true, false] {
            var position = 0
            while let record = build(position) {
                position += 1
                guard record.id < own.id,
                    isSame == (record.dockerfile == own.dockerfile && record.context == own.context),
                    let found = counterpart(of: subject, in: record), isSame || found.own.text == subject.own.text
                else { continue }
                return found
            }
            if isSame, let record = shared.withLock({ $0 }), let found = counterpart(of: subject, in: record) {
                return found
            }
        }
        return nil
    }

    /// A build by its position, latest first.
    private func build(_ position: Int) -> BuildRecord? {
        builds.withLock { builds in
            while builds.read.count <= position, let id = builds.rest.popFirst() {
                if let record = records.record(id) { builds.read.append(record) }
            }
            return position < builds.read.count ? builds.read[position] : nil
        }
    }

    private func counterpart(of subject: Subject, in record: BuildRecord) -> Earlier? {
        guard let stage = counterpart(ofStage: subject.stage, of: subject.record, in: record) else { return nil }
        let alignment = StageAlignment(subject.steps, with: record.stages[stage].steps)
        guard let step = alignment.earlier[subject.step], record.stages[stage].steps[step].key != nil,
            record.stages[stage].steps[step].result != .refused
        else { return nil }
        return Earlier(record: record, stage: stage, step: step, alignment: alignment)
    }

    /// The stage of the same name; one without a name is the one at its place, or the last of both.
    private func counterpart(ofStage stage: Int, of record: BuildRecord, in other: BuildRecord) -> Int? {
        if let name = record.stages[stage].name {
            if let same = other.stages.firstIndex(where: { $0.name == name }) { return same }
        } else if stage == record.stages.count - 1, other.stages.last?.name == nil, !other.stages.isEmpty {
            return other.stages.count - 1
        }
        return other.stages.indices.contains(stage) ? stage : nil
    }

    /// The result of a step of the same text with the most inputs in common.
    private func similar(_ subject: Subject, _ inputs: [NamedInput]) -> CacheRecord? {
        let all = results.withLock { known in
            if let known { return known }
            let read = Dictionary(grouping: cache.records, by: \.instruction)
            known = read
            return read
        }
        let own = Set(inputs)
        let candidates = (all[subject.own.text] ?? []).filter {
            $0.key.digest != subject.own.key && $0.created < subject.record.id.nanoseconds
        }
        return candidates.map { ($0, own.intersection($0.key.inputs).count) }.max {
            ($0.1, $0.0.created) < ($1.1, $1.0.created)
        }?.0
    }

    private func below(_ inputs: [NamedInput]) -> String? { inputs.first { $0.name == "below" }?.value }
}

// MARK: - Comparing

extension MissExplainer {
    private func compare(_ subject: Subject, _ earlier: Earlier) -> [StepExplanation.Reason] {
        if let key = subject.own.key, key == earlier.own.key {
            return [earlier.own.result == .failed ? .failedBefore : .resultGone]
        }
        var reasons = changeBelow(subject, earlier)
        if let inputs = subject.inputs, let old = records.inputs(of: earlier.own) {
            let own = self.reasons(subject, inputs, text: earlier.own.text, old, earlier.own.layer)
            reasons += own
            if own.contains(where: \.isFiles) { reasons += changeOfSource(subject, earlier) }
        }
        return reasons.isEmpty ? [.inputsForgotten] : reasons
    }

    private func reasons(
        _ subject: Subject,
        _ inputs: [NamedInput],
        text: String,
        _ old: [NamedInput],
        _ oldLayer: CacheRecord.LayerResult?
    ) -> [StepExplanation.Reason] {
        let comparison = InputComparison(inputs, with: old)
        let names = Set(comparison.differences.map(\.name))
        return comparison.reasons(
            text: subject.own.text,
            oldText: text,
            variable: { variable($0, in: subject) },
            files: { mount in
                if let mount { return filesOfMount(mount) }
                // At another place everything is another file.
                guard !names.contains("destination"), let index = index(oldLayer), let files = subject.files() else {
                    return nil
                }
                return FileComparison(
                    comparesOwners: !names.contains("chown"),
                    comparesModes: !names.contains("chmod")
                ).differences(from: index, to: files)
            }
        )
    }

    /// The first step below that is not what it was, if there is one.
    private func changeBelow(_ subject: Subject, _ earlier: Earlier) -> [StepExplanation.Reason] {
        let (steps, old) = (subject.steps, earlier.steps)
        for position in steps[..<subject.step].indices where contributes(steps, position) {
            let step = steps[position]
            let other = earlier.alignment.earlier[position].map { old[$0] }
            guard let key = step.key, other?.key != key else { continue }
            let reason = StepExplanation.Reason.stepBelow(number: step.number, text: step.text, stage: nil)
            // What the first one that differs builds on is the same, unless something was removed there.
            if let other, position > 0, let gone = removed(subject, earlier, upTo: position),
                let own = records.inputs(of: step),
                let inputs = records.inputs(of: other), InputComparison(own, with: inputs).differences.isEmpty
            {
                return [gone]
            }
            guard position == 0 else { return [reason] }
            return changeOfBase(subject, earlier) ?? [reason]
        }
        if subject.step == 0 { return changeOfBase(subject, earlier) ?? [] }
        return removed(subject, earlier, upTo: subject.step).map { [$0] } ?? []
    }

    /// What changed in the stage that a copy takes files from.
    private func changeOfSource(_ subject: Subject, _ earlier: Earlier) -> [StepExplanation.Reason] {
        let flag = "--from="
        guard let word = subject.own.text.split(separator: " ").first(where: { $0.hasPrefix(flag) }) else { return [] }
        let name = word.dropFirst(flag.utf8.count).lowercased()
        let stages = subject.record.stages[..<subject.stage]
        guard let source = stages.firstIndex(where: { $0.name == name }) ?? Int(name), stages.indices.contains(source)
        else { return [] }
        return change(ofStage: source, subject, earlier)
    }

    /// The first step of another stage that is not what it was.
    private func change(ofStage stage: Int, _ subject: Subject, _ earlier: Earlier) -> [StepExplanation.Reason] {
        guard let other = counterpart(ofStage: stage, of: subject.record, in: earlier.record) else { return [] }
        let steps = subject.record.stages[stage].steps
        // Its end, as if it were one more step.
        let end = Subject(subject.record, stage: stage, step: steps.count, inputs: nil)
        let old = Earlier(
            record: earlier.record,
            stage: other,
            step: 0,
            alignment: StageAlignment(steps, with: earlier.record.stages[other].steps)
        )
        let name = subject.record.stages[stage].name ?? String(stage)
        return changeBelow(end, old).map { reason in
            guard case .stepBelow(let number, let text, nil) = reason else { return reason }
            return .stepBelow(number: number, text: text, stage: name)
        }
    }

    /// What changed about `FROM`, for the steps that build on it.
    private func changeOfBase(_ subject: Subject, _ earlier: Earlier) -> [StepExplanation.Reason]? {
        guard let from = subject.steps.first, let old = earlier.steps.first, let inputs = records.inputs(of: from),
            let oldInputs = records.inputs(of: old)
        else { return nil }
        if let parent = inputs.first(where: { $0.name == "stage" }).flatMap({ Int($0.value) }),
            subject.record.stages.indices.contains(parent)
        {
            let reasons = change(ofStage: parent, subject, earlier)
            return reasons.isEmpty ? nil : reasons
        }
        // `FROM` itself tells this as its own difference.
        guard subject.step > 0 else { return nil }
        let base = InputComparison(inputs, with: oldInputs).reasons(
            text: from.text,
            oldText: old.text,
            variable: { $0 },
            files: { _ in nil }
        )
        return [.stepBelow(number: from.number, text: from.text, stage: nil)] + base
    }

    /// A step of the earlier build, before the one that stands for `position`, which nothing stands for now.
    private func removed(_ subject: Subject, _ earlier: Earlier, upTo position: Int) -> StepExplanation.Reason? {
        let limit = (position < subject.steps.count ? earlier.alignment.earlier[position] : nil) ?? earlier.steps.count
        let kept = Set(earlier.alignment.earlier.compactMap { $0 })
        let gone = earlier.steps[..<limit].indices.first { !kept.contains($0) && contributes(earlier.steps, $0) }
        return gone.map { .stepBelowRemoved(text: earlier.steps[$0].text) }
    }

    /// Whether later keys build on a step.
    private func contributes(_ steps: [BuildRecord.Step], _ position: Int) -> Bool {
        guard position > 0 else { return true }
        return steps[position].keyAbove != steps[position - 1].keyAbove
    }

    /// The instruction that sets a variable, before its name.
    private func variable(_ name: String, in subject: Subject) -> String {
        let stages = [subject.steps[..<subject.step]] + subject.record.stages.map { $0.steps[...] }
        for steps in stages {
            for step in steps.reversed() where ["ARG", "ENV"].contains(step.keyword) {
                let words = step.text.split { $0 == " " || $0 == "\t" }
                if words.dropFirst().contains(where: { $0 == name || $0.hasPrefix(name + "=") }) {
                    return "\(step.keyword) \(name)"
                }
            }
        }
        return "variable \(name)"
    }

    private func index(_ layer: CacheRecord.LayerResult?) -> LayerIndex? {
        guard let layer = layer.map({ Layer(diffID: $0.diffID, tarSize: $0.tarSize) }) else { return nil }
        return (try? layers.index(of: layer)) ?? layers.knownIndex(of: layer)
    }

    /// Files of the context that a mount shows are a layer of their own, under the key that stands for them.
    private func filesOfMount(_ difference: InputComparison.Difference) -> FileDifferences? {
        guard let (old, new) = difference.bindDigests, let oldIndex = index(cache.record(ofKey: old)?.layer),
            let newIndex = index(cache.record(ofKey: new)?.layer)
        else { return nil }
        return FileComparison().differences(from: oldIndex, to: (0..<newIndex.count).lazy.map { newIndex[$0] })
    }
}

extension StepExplanation.Reason {
    fileprivate var isFiles: Bool { if case .files = self { true } else { false } }
}
