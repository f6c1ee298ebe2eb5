internal import BuildCache
internal import ContentStore
internal import OCI

/// The text form of a record: columns behind a word on each line, closed by a digest of the lines before it.
extension BuildRecord {
    private static let format = "swiftbuild-build 2"
    /// Without `wait`.
    private static let earlierFormat = "swiftbuild-build 1"
    /// In a column that has no value.
    private static let nothing = "-"

    func encoded() -> [UInt8] {
        var text = BuildRecord.format + "\n"
        func line(_ columns: [String?]) {
            text += columns.map { $0.map(RecordText.escaped) ?? BuildRecord.nothing }.joined(separator: "\t") + "\n"
        }
        line(["dockerfile", dockerfile])
        if let context { line(["context", context]) }
        if let target { line(["target", target]) }
        for tag in tags { line(["tag", tag]) }
        line(["platform", platform.description])
        if let image { line(["image", image.hex]) }
        if let isolation { line(["isolation", isolation]) }
        line(["ending", ending.rawValue, String(duration)])
        for stage in stages {
            line(stage.name.map { ["stage", $0] } ?? ["stage"])
            if !stage.usesCache { line(["uncached"]) }
            for step in stage.steps {
                line([
                    "step", String(step.number), String(step.line), step.result.rawValue,
                    step.start.map { String($0) }, step.end.map { String($0) },
                    step.key?.hex, step.keyAbove?.hex, step.layer?.diffID.hex,
                    step.layer.map { String($0.tarSize) }, step.text,
                ])
                if let wait = step.wait { line(["wait", String(wait.start)] + wait.stages) }
                for input in step.inputs { line(["input", input.name, input.value]) }
            }
        }
        let body = Array(text.utf8)
        return body + Array("sum \(SHA256Hasher.digest(of: body).hex)\n".utf8)
    }

    /// Reads a record; `nil` for anything that is not exactly one.
    package init?(decoding bytes: [UInt8], id: ID) {
        let trailer = "sum ".utf8.count + 64 + 1
        guard bytes.count > trailer else { return nil }
        let body = Array(bytes.dropLast(trailer))
        guard bytes.suffix(trailer).elementsEqual("sum \(SHA256Hasher.digest(of: body).hex)\n".utf8) else { return nil }
        self.init(id: id, dockerfile: "", context: nil, platform: .host, stages: [])
        for (number, line) in body.split(separator: UInt8(ascii: "\n")).enumerated() {
            // By bytes: a tab and a combining character behind it are one `Character`.
            let columns = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            let isRight =
                number == 0
                ? columns == [BuildRecord.format] || columns == [BuildRecord.earlierFormat] : take(columns)
            guard isRight else { return nil }
        }
    }

    private mutating func take(_ columns: [String]) -> Bool {
        func text(_ column: Int) -> String { RecordText.unescaped(columns[column][...]) }
        func optional<Value>(_ column: Int, _ parse: (String) -> Value?) -> Value?? {
            columns[column] == BuildRecord.nothing ? .some(nil) : parse(columns[column]).map { .some($0) }
        }
        switch (columns[0], columns.count) {
        case ("dockerfile", 2): dockerfile = text(1)
        case ("context", 2): context = text(1)
        case ("target", 2): target = text(1)
        case ("tag", 2): tags.append(text(1))
        case ("platform", 2):
            guard let known = try? Platform(parsing: columns[1]) else { return false }
            platform = known
        case ("image", 2):
            guard let known = Digest(hex: columns[1]) else { return false }
            image = known
        case ("isolation", 2): isolation = text(1)
        case ("ending", 3):
            guard let known = Ending(rawValue: columns[1]), let time = Int64(columns[2]), time >= 0 else {
                return false
            }
            (ending, duration) = (known, time)
        case ("stage", 1): stages.append(Stage(name: nil, steps: []))
        case ("stage", 2): stages.append(Stage(name: text(1), steps: []))
        case ("uncached", 1):
            guard let stage = stages.indices.last else { return false }
            stages[stage].usesCache = false
        case ("step", 11):
            guard let number = Int(columns[1]), let line = Int(columns[2]),
                let result = Step.Result(rawValue: columns[3]),
                let start = optional(4, { Int64($0) }), let end = optional(5, { Int64($0) }),
                let key = optional(6, { Digest(hex: $0) }), let keyAbove = optional(7, { Digest(hex: $0) }),
                let diffID = optional(8, { Digest(hex: $0) }), let size = optional(9, { Int64($0) }), !stages.isEmpty,
                number >= 0, line > 0, start ?? 0 >= 0, end ?? .max >= start ?? 0
            else { return false }
            var step = Step(number: number, line: line, text: text(10), result: result)
            (step.start, step.end, step.key, step.keyAbove) = (start, end, key, keyAbove)
            if let diffID, let size { step.layer = CacheRecord.LayerResult(diffID: diffID, tarSize: size) }
            stages[stages.count - 1].steps.append(step)
        case ("wait", 2...):
            guard let stage = stages.indices.last, let step = stages[stage].steps.indices.last,
                let start = Int64(columns[1]), start >= 0
            else { return false }
            stages[stage].steps[step].wait = Step.Wait(start: start, stages: columns.indices.dropFirst(2).map(text))
        case ("input", 3):
            guard let stage = stages.indices.last, let step = stages[stage].steps.indices.last else { return false }
            stages[stage].steps[step].inputs.append(NamedInput(text(1), text(2)))
        default: return false
        }
        return true
    }
}
