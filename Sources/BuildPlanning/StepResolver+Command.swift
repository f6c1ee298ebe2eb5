import DockerfileSyntax
import OCI
import Reporting

// The instructions that say how a container of the image runs.
extension StepResolver {
    func words(_ form: CommandForm) -> [String] {
        switch form {
        case .shell(let text): state.shell + [text.text]
        case .exec(let words): words.map(\.text)
        }
    }

    mutating func cmd(_ form: CommandForm) -> ResolvedStep {
        let words = words(form)
        state.configuration.config.cmd = words
        // BuildKit sets this for both forms, and `docker` compares images by their configuration.
        state.configuration.config.argsEscaped = true
        state.hasOwnCommand = true
        return metadata("CMD " + GoText.quoted(words))
    }

    mutating func entrypoint(_ form: CommandForm) -> ResolvedStep {
        let words = words(form)
        state.configuration.config.entrypoint = words.isEmpty ? nil : words
        if !state.hasOwnCommand { state.configuration.config.cmd = nil }
        return metadata("ENTRYPOINT " + GoText.quoted(words))
    }

    mutating func shell(_ words: [Word]) -> ResolvedStep {
        let texts = words.map(\.text)
        state.configuration.config.shell = texts
        return metadata("SHELL [\(texts.joined(separator: " "))]")
    }

    mutating func onbuild(_ onbuild: OnbuildInstruction) -> ResolvedStep {
        state.configuration.config.onBuild = (state.configuration.config.onBuild ?? []) + [onbuild.storedText]
        return metadata("ONBUILD \(onbuild.storedText)")
    }

    mutating func maintainer(_ word: Word) -> ResolvedStep {
        state.configuration.author = word.text
        return metadata("MAINTAINER \(word.text)")
    }

    mutating func healthcheck(_ check: HealthcheckInstruction) -> ResolvedStep {
        let test: [String]
        switch check.command {
        case nil: test = ["NONE"]
        case .shell(let text): test = ["CMD-SHELL", text.text]
        case .exec(let words): test = ["CMD"] + words.map(\.text)
        }
        func positive(_ value: Int64?) -> Int64? { value == 0 ? nil : value }
        state.configuration.config.healthcheck = .init(
            test: test,
            interval: positive(check.interval),
            timeout: positive(check.timeout),
            startPeriod: positive(check.startPeriod),
            startInterval: positive(check.startInterval),
            retries: check.retries == 0 ? nil : check.retries
        )
        let durations = [check.interval, check.timeout, check.startPeriod, check.startInterval]
            .map { "\"\(GoDuration.text($0 ?? 0))\"" }.joined(separator: " ")
        let retries = GoText.quotedCharacter(check.retries ?? 0)
        return metadata("HEALTHCHECK &{\(GoText.quoted(test)) \(durations) \(retries)}")
    }
}

/// Values in the text that Go's `%q` makes, in which BuildKit writes its history.
enum GoText {
    static func quoted(_ words: [String]) -> String {
        "[" + words.map(quoted).joined(separator: " ") + "]"
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars { result += escaped(scalar, quote: "\"") }
        return result + "\""
    }

    /// A number as the character literal of its code point.
    static func quotedCharacter(_ value: Int) -> String {
        let scalar = UInt32(exactly: value).flatMap { Unicode.Scalar($0) } ?? "\u{FFFD}"
        return "'" + escaped(scalar, quote: "'") + "'"
    }

    private static func escaped(_ scalar: Unicode.Scalar, quote: Unicode.Scalar) -> String {
        switch scalar {
        case quote, "\\": return "\\" + String(scalar)
        case "\u{07}": return "\\a"
        case "\u{08}": return "\\b"
        case "\u{0C}": return "\\f"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\u{0B}": return "\\v"
        default:
            guard scalar.value < 0x20 || scalar.value == 0x7F else { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
        }
    }
}
