public import BuildCache
public import OCI

/// What is remembered of a build: what was built, and what became of each step.
///
/// The inputs of a step are not repeated here: `BuildRecordStore.inputs(of:)` finds them by its key.
public struct BuildRecord: Sendable, Hashable {
    /// When a build began, by which it is called; ordered by time.
    public struct ID: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// Since 1970.
        public let nanoseconds: Int64

        public init(nanoseconds: Int64) { self.nanoseconds = max(nanoseconds, 0) }

        /// Reads 16 lower-case hexadecimal digits; `nil` for anything else.
        public init?(parsing text: some StringProtocol) {
            guard text.utf8.count == 16, let value = Int64(text, radix: 16), value >= 0 else { return nil }
            self.init(nanoseconds: value)
            guard description == text else { return nil }
        }

        /// The 16 digits, which sort as the times do.
        public var description: String {
            let digits = String(nanoseconds, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }

        public static func < (left: ID, right: ID) -> Bool { left.nanoseconds < right.nanoseconds }
    }

    public enum Ending: String, Sendable {
        case succeeded, failed, interrupted
    }

    public let id: ID
    /// An absolute path, an address without credentials, or `-` for standard input.
    public var dockerfile: String
    /// As `dockerfile`; `nil` where there is none.
    public var context: String?
    /// The stage that was asked for; `nil` for the last one.
    public var target: String?
    /// The names that the image was to get, in full.
    public var tags: [String] = []
    public var platform: Platform
    /// The image ID; `nil` for a build that gave none.
    public var image: Digest?
    /// How the processes of the build were separated from the machine, by its name; `nil` where there were none.
    public var isolation: String?
    /// In nanoseconds.
    public var duration: Int64 = 0
    public var ending = Ending.interrupted
    /// All stages of the file, in its order.
    public var stages: [Stage]

    public init(id: ID, dockerfile: String, context: String?, platform: Platform, stages: [Stage]) {
        self.id = id
        self.dockerfile = dockerfile
        self.context = context
        self.platform = platform
        self.stages = stages
    }
}

extension BuildRecord {
    /// The lines of the Dockerfile that made the layers of the image, as far as they are its own.
    ///
    /// By their order, since layers of several steps may be the same; those without a counterpart there, by their digest.
    ///
    /// - Parameter layers: The diff IDs of an image's layers, lowest first.
    public func lines(ofLayers layers: [Digest]) -> [Int?] {
        var lines = [Int?](repeating: nil, count: layers.count)
        let own = ownLayers
        var matching = 0
        for (layer, known) in zip(layers.reversed(), own.reversed()) {
            guard layer == known.diffID else { break }
            lines[layers.count - 1 - matching] = known.line
            matching += 1
        }
        // What lies below all of them is of the base.
        guard matching < own.count else { return lines }
        let steps = stages.lazy.flatMap(\.steps)
        let byDigest = Dictionary(steps.compactMap { step in step.layer.map { ($0.diffID, step.line) } }) { first, _ in
            first
        }
        for position in 0..<layers.count - matching { lines[position] = byDigest[layers[position]] }
        return lines
    }

    /// The layers that the target and the stages below it put on their base, lowest first, with their lines.
    private var ownLayers: [(diffID: Digest, line: Int)] {
        let wanted = target?.lowercased()
        var next = wanted.flatMap { name in stages.lastIndex { $0.name == name } } ?? stages.indices.last
        var found: [(diffID: Digest, line: Int)] = []
        while let stage = next {
            for step in stages[stage].steps.reversed() {
                if let layer = step.layer { found.append((layer.diffID, step.line)) }
            }
            // An earlier one in any record that a build has left.
            next = stages[stage].steps.first?.baseStage.flatMap { $0 >= 0 && $0 < stage ? $0 : nil }
        }
        return found.reversed()
    }

    /// Whether no step had any work to do.
    public var isAllCached: Bool {
        ending == .succeeded
            && stages.allSatisfy { $0.steps.allSatisfy { [.base, .cached, .skipped].contains($0.result) } }
    }

    /// Whether another build was the same, at whatever time and however long it took.
    func says(theSameAs other: BuildRecord) -> Bool { withoutTimes(id: other.id) == other.withoutTimes(id: other.id) }

    private func withoutTimes(id: ID) -> BuildRecord {
        var record = BuildRecord(id: id, dockerfile: dockerfile, context: context, platform: platform, stages: stages)
        (record.target, record.tags, record.image, record.ending) = (target, tags, image, ending)
        record.isolation = isolation
        record.removeTimes()
        return record
    }

    mutating func removeTimes() {
        for stage in stages.indices {
            for step in stages[stage].steps.indices {
                (stages[stage].steps[step].start, stages[stage].steps[step].end) = (nil, nil)
                stages[stage].steps[step].wait = nil
            }
        }
    }

    /// One stage of the file.
    public struct Stage: Sendable, Hashable {
        /// `nil` for one without a name, which its position stands for.
        public var name: String?
        /// Whether results of earlier builds were used.
        public var usesCache = true
        /// `FROM`, the triggers of the base, and the other instructions.
        public var steps: [Step]

        public init(name: String?, steps: [Step]) {
            self.name = name
            self.steps = steps
        }
    }

    /// One instruction.
    public struct Step: Sendable, Hashable {
        /// What became of it.
        public enum Result: String, Sendable, CaseIterable {
            /// `FROM`: there was nothing to do.
            case base
            /// An earlier result was used.
            case cached
            /// The work was done.
            case ran
            case failed
            /// It was not in the cache, and the build was to fail then.
            case refused
            /// The target does not need the stage.
            case skipped
            /// The build ended before, because of another step or a signal; perhaps in the middle of this one.
            case notRun = "not run"
        }

        /// The k of `Step k/N`; 0 for triggers and for stages that the target does not need.
        public var number: Int
        /// Where it begins in the Dockerfile, from 1; for a trigger that of its `FROM`.
        public var line: Int
        /// The instruction on one line, without the credentials of addresses.
        public var text: String
        public var result: Result
        /// What it waited for before it began.
        public struct Wait: Sendable, Hashable {
            /// In nanoseconds since the build began.
            public var start: Int64
            /// The names of the stages; none where as many others worked as may work at the same time.
            public var stages: [String]

            public init(start: Int64, stages: [String]) {
                self.start = start
                self.stages = stages
            }
        }

        /// When it waited, up to `start`; `nil` where it did not.
        public var wait: Wait?
        /// In nanoseconds since the build began; `nil` where it never did.
        public var start: Int64?
        public var end: Int64?
        /// What it was looked up by; `nil` where that was not found out.
        public var key: Digest?
        /// What the keys of later steps build on.
        public var keyAbove: Digest?
        /// `nil` for a step without a layer, and where none was made.
        public var layer: CacheRecord.LayerResult?
        /// The inputs of the key where the cache has no record of it; of `FROM` the image's ID too.
        public var inputs: [NamedInput] = []

        /// Of `FROM` an earlier stage, the position of that.
        var baseStage: Int? { inputs.first { $0.name == "stage" }.flatMap { Int($0.value) } }

        public init(number: Int, line: Int, text: String, result: Result) {
            self.number = number
            self.line = line
            self.text = text
            self.result = result
        }
    }
}
