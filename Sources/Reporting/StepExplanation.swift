/// Why no earlier result of a step could be used: what differs from the nearest one that was built before.
public struct StepExplanation: Sendable, Hashable {
    /// One difference.
    public enum Reason: Sendable, Hashable {
        /// Nothing like this step was built here before.
        case unknownStep
        /// Earlier results are not to be used.
        case cacheNotUsed
        /// The same step was built before, and its result is no longer in the store.
        case resultGone
        /// The same step failed in the last build, and leaves no result then.
        case failedBefore
        /// It is no longer known what the earlier step, or this one, was made of.
        case inputsForgotten
        /// A step that this one builds on is another; the stage's name is given where it is not of the same stage.
        case stepBelow(number: Int, text: String, stage: String?)
        /// A step that the earlier one built on is not there any more.
        case stepBelowRemoved(text: String)
        /// It takes files that a step would make which is not made here; of another stage, if one is named.
        case filesNotMade(stage: String?)
        /// An image that it needs is not in the store, and nothing is fetched here.
        case imageMissing(String)
        /// What is below the step is not what was below the nearest one.
        case otherStepsBelow
        /// The instruction, with its variables replaced where only these differ.
        case instruction(old: String, new: String)
        /// The ID of the base image.
        case base(old: String, new: String)
        /// Anything else by name, such as `ARG VERSION`; `nil` where there is none.
        case value(name: String, old: String?, new: String?)
        /// The files that it brings in, or those that a mount of it shows; `nil` where it cannot be told which.
        case files(FileDifferences?, mount: String?)
    }

    /// In the order in which they count: the first one alone would have been enough.
    public let reasons: [Reason]

    public init(_ reasons: [Reason]) { self.reasons = reasons }
}

/// How two sets of files differ.
public struct FileDifferences: Sendable, Hashable {
    /// Those of the first files, in the order of paths; of one file there may be several.
    public var first: [FileDifference] = []
    /// The number of files that differ.
    public var count = 0

    public init() {}
}

/// What is not the same at one path.
public struct FileDifference: Sendable, Hashable {
    public enum Change: String, Sendable {
        case added, removed
        /// The values are digests.
        case content
        /// The values are octal numbers.
        case mode
        /// The values are `user:group`.
        case owner
        /// The values are what a symbolic link says.
        case link
        /// A file in place of a directory, for example.
        case kind
        /// Extended attributes, or the numbers of a device.
        case attributes
    }

    /// In the image.
    public let path: String
    public let change: Change
    public let old: String?
    public let new: String?

    public init(path: String, change: Change, old: String? = nil, new: String? = nil) {
        self.path = path
        self.change = change
        self.old = old
        self.new = new
    }
}

// MARK: - In words

extension StepExplanation {
    /// Lines for people, each safe to show; details of the line before are indented.
    public var lines: [String] {
        // After a list of files it would be overlooked.
        reasons.filter { !$0.isList }.flatMap(\.lines) + reasons.filter(\.isList).flatMap(\.lines)
    }
}

extension StepExplanation.Reason {
    fileprivate var isList: Bool { if case .files = self { true } else { false } }

    fileprivate var lines: [String] {
        switch self {
        case .unknownStep: return ["no similar step has been built before"]
        case .cacheNotUsed: return ["earlier results are not used: --no-cache or --no-cache-filter"]
        case .resultGone: return ["its earlier result is no longer in the store"]
        case .failedBefore: return ["it failed in the previous build, so there is no result"]
        case .inputsForgotten: return ["its earlier inputs are no longer recorded"]
        case .stepBelow(let number, let text, let stage):
            let step = number > 0 ? "step \(number)" : "a trigger"
            let place = stage.map { " of stage `\(Self.shown($0))`" } ?? ""
            return ["\(step)\(place), which it builds on, changed: \(Self.shown(text))"]
        case .stepBelowRemoved(let text): return ["a step that it built on was removed: \(Self.shown(text))"]
        case .imageMissing(let name): return ["image `\(Self.shown(name))` is not in the store"]
        case .filesNotMade(nil): return ["it depends on files that a preceding step has yet to make"]
        case .filesNotMade(let stage?):
            return ["it needs files from stage `\(Self.shown(stage))`, which has not been built"]
        case .otherStepsBelow: return ["the preceding steps differ"]
        case .instruction(let old, let new): return Self.values("instruction", old, new)
        case .base(let old, let new): return Self.values("base image", old, new)
        case .value(let name, let old, let new): return Self.values(Self.shown(name), old, new)
        case .files(let files, let mount):
            let place = mount.map { " of the mount at `\(Self.shown($0))`" } ?? ""
            guard let files, files.count > 0 else { return ["files\(place) differ"] }
            let rest = files.count - Set(files.first.map(\.path)).count
            return [files.count == 1 ? "1 file\(place) differs:" : "\(files.count) files\(place) differ:"]
                + files.first.map { "  \($0.line)" } + (rest > 0 ? ["  and \(rest) more"] : [])
        }
    }

    private static let longest = 200

    fileprivate static func shown(_ text: String) -> String {
        let text = EscapedText.escaped(CredentialMask.masked(text))
        return text.count > longest ? text.prefix(longest) + "…" : text
    }

    private static func values(_ name: String, _ old: String?, _ new: String?) -> [String] {
        let (old, new) = partsThatDiffer(old, new)
        func quoted(_ text: String?) -> String { text.map { "`\(shown($0))`" } ?? "nothing" }
        return ["\(name): now \(quoted(new)), was \(quoted(old))"]
    }

    /// Of texts of several lines the first ones that are not the same, and of long ones what is around the difference.
    private static func partsThatDiffer(_ old: String?, _ new: String?) -> (String?, String?) {
        guard let old, let new else { return (old, new) }
        guard old.utf8.contains(UInt8(ascii: "\n")) || new.utf8.contains(UInt8(ascii: "\n")) else {
            let common = zip(old, new).prefix { $0 == $1 }.count
            guard max(old.count, new.count) > longest, common > longest / 2 else { return (old, new) }
            return ("…" + old.dropFirst(common - longest / 4), "…" + new.dropFirst(common - longest / 4))
        }
        let left = old.split(separator: "\n", omittingEmptySubsequences: false)
        let right = new.split(separator: "\n", omittingEmptySubsequences: false)
        let first = zip(left, right).prefix { $0 == $1 }.count
        return (left.dropFirst(first).first.map(String.init), right.dropFirst(first).first.map(String.init))
    }
}

extension FileDifference {
    /// `mode     /run.sh  now 0755, was 0644`.
    fileprivate var line: String {
        let word = change.rawValue + String(repeating: " ", count: max(8 - change.rawValue.utf8.count, 0))
        let line = "\(word) \(StepExplanation.Reason.shown(path))"
        guard change != .content, let old, let new else { return line }
        return "\(line)  now `\(StepExplanation.Reason.shown(new))`, was `\(StepExplanation.Reason.shown(old))`"
    }
}
