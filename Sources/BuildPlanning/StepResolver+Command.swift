import DockerfileSyntax
import Formatting
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

    /// Warns of a shell form without words, which is easily left behind and builds all the same.
    mutating func warn(ofMissingWords form: CommandForm, _ meaning: String) {
        guard case .shell(let text) = form, text.text.isEmpty else { return }
        let instruction = step.instruction
        warnings.append(
            Diagnostic(
                .warning,
                "\(instruction.name) has no command",
                at: instruction.keyword.range,
                label: "the shell is started without one",
                hints: [meaning]
            )
        )
    }

    mutating func cmd(_ form: CommandForm) -> ResolvedStep {
        warn(ofMissingWords: form, "write `CMD []` to remove the command of the base image")
        let words = words(form)
        state.configuration.config.cmd = words
        // BuildKit sets this for both forms, and `docker` compares images by their configuration.
        state.configuration.config.argsEscaped = true
        state.hasOwnCommand = true
        return metadata("CMD " + GoText.quoted(words))
    }

    mutating func entrypoint(_ form: CommandForm) -> ResolvedStep {
        warn(ofMissingWords: form, "write `ENTRYPOINT []` to remove the entrypoint of the base image")
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
