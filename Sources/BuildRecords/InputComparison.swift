internal import BuildCache
internal import OCI
internal import Reporting

/// What differs between the inputs of a step and those of an earlier one, apart from what is below them.
struct InputComparison {
    /// An input that only one of them has, or that is not the same; inputs of the new one first, in its order.
    struct Difference {
        let name: String
        let old: String?
        let new: String?
    }

    let differences: [Difference]

    /// Inputs that tell where a step stands, not what it is.
    private static let places: Set<String> = ["below", "linked", "stage"]
    /// Inputs that the instruction's text says, if it is not the same.
    private static let said: Set<String> = [
        "instruction", "path", "destination", "chown", "chmod", "unpack", "exclude",
    ]

    init(_ new: [NamedInput], with old: [NamedInput]) {
        let (new, old) = (InputComparison.numbered(new), InputComparison.numbered(old))
        let oldValues = Dictionary(old.map { ($0.key, $0.value) }) { first, _ in first }
        let newKeys = Set(new.map(\.key))
        var differences: [Difference] = []
        for (key, value) in new where oldValues[key] != value {
            differences.append(Difference(name: key.name, old: oldValues[key], new: value))
        }
        for (key, value) in old where !newKeys.contains(key) {
            differences.append(Difference(name: key.name, old: value, new: nil))
        }
        self.differences = differences.filter { !InputComparison.places.contains($0.name) }
    }

    private struct Key: Hashable {
        let name: String
        /// The position among several of one name.
        let number: Int
    }

    private static func numbered(_ inputs: [NamedInput]) -> [(key: Key, value: String)] {
        var counts: [String: Int] = [:]
        return inputs.map { input in
            let number = counts[input.name, default: 0]
            counts[input.name] = number + 1
            return (Key(name: input.name, number: number), input.value)
        }
    }

    /// The differences in words.
    ///
    /// - Parameters:
    ///   - text: The instruction now.
    ///   - oldText: The instruction of the earlier step.
    ///   - variable: What sets a variable: `ARG`, `ENV`.
    ///   - files: Compares the files, those of a mount by its target.
    func reasons(
        text: String,
        oldText: String,
        variable: (String) -> String,
        files: (_ mount: Difference?) -> FileDifferences?
    ) -> [StepExplanation.Reason] {
        var reasons: [StepExplanation.Reason] = []
        let isOtherText = text != oldText
        if isOtherText, !differences.isEmpty { reasons.append(.instruction(old: oldText, new: text)) }
        for difference in differences {
            switch difference.name {
            case "base", "image":
                // Two images with the same layers are one base.
                guard difference.name == "image", differences.contains(where: { $0.name == "base" }) else { continue }
                reasons.append(.base(old: difference.old ?? "scratch", new: difference.new ?? "scratch"))
            case "instruction" where !isOtherText:
                reasons.append(.instruction(old: difference.old ?? "", new: difference.new ?? ""))
            case let name where isOtherText && (InputComparison.said.contains(name) || name.isPartOfCommand): continue
            case "files": reasons.append(.files(files(nil), mount: nil))
            case let name where name.hasPrefix("environment "):
                let variable = variable(String(name.dropFirst("environment ".utf8.count)))
                reasons.append(.value(name: variable, old: difference.old, new: difference.new))
            case let name where name.hasPrefix("mount ") && difference.isBind:
                reasons.append(.files(files(difference), mount: String(name.dropFirst("mount ".utf8.count))))
            case let name:
                let name = InputComparison.words[name] ?? InputComparison.word(for: name) ?? name
                reasons.append(.value(name: name, old: difference.old, new: difference.new))
            }
        }
        return reasons
    }

    /// What inputs are called in Dockerfiles and on command lines, where that is another name.
    private static let words = [
        "user": "USER", "directory": "WORKDIR", "argument 0": "SHELL", "argument 1": "SHELL", "network": "--network",
        "host": "--add-host", "limit": "--ulimit", "shared memory": "--shm-size", "platform": "--platform",
        "hostname": "BUILDKIT_SANDBOX_HOSTNAME", "security": "--security",
    ]

    private static func word(for name: String) -> String? {
        guard let blank = name.firstIndex(of: " ") else { return nil }
        switch name[..<blank] {
        case "argument": return "command"
        case "script", "file": return "here-document\(name[blank...])"
        default: return nil
        }
    }
}

extension String {
    fileprivate var isPartOfCommand: Bool { hasPrefix("argument ") || hasPrefix("script ") || hasPrefix("file ") }
}

extension InputComparison.Difference {
    /// The digests of what a bind mount shows, where that is all that differs.
    var bindDigests: (old: Digest, new: Digest)? {
        func parts(_ value: String?) -> [Substring] { value?.split(separator: " ") ?? [] }
        let (old, new) = (parts(old), parts(new))
        guard old.count == 3, new.count == 3, old[0] == "bind", new[0] == "bind", old[2] == new[2],
            let oldDigest = Digest(hex: old[1]), let newDigest = Digest(hex: new[1])
        else { return nil }
        return (oldDigest, newDigest)
    }

    fileprivate var isBind: Bool { bindDigests != nil }
}
