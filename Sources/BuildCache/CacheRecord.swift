public import OCI

/// What is remembered of a step that ran: its inputs and its result.
public struct CacheRecord: Sendable, Hashable {
    /// A layer by its diff ID, as it is stored.
    public struct LayerResult: Sendable, Hashable {
        public let diffID: Digest
        /// The length of the uncompressed tar.
        public let tarSize: Int64

        public init(diffID: Digest, tarSize: Int64) {
            self.diffID = diffID
            self.tarSize = tarSize
        }
    }

    public let key: StepKey
    /// The instruction as the user wrote it.
    public let instruction: String
    /// `nil` for an instruction that changes only the configuration.
    public let layer: LayerResult?
    /// When the step ran, in nanoseconds since 1970.
    public let created: Int64

    public init(key: StepKey, instruction: String, layer: LayerResult?, created: Int64) {
        self.key = key
        self.instruction = instruction
        self.layer = layer
        self.created = created
    }
}

/// The text form of a record: one `name value` a line, closed by a digest of the lines before it.
extension CacheRecord {
    private static let format = "swiftbuild-cache 1"

    func encoded(digest: ([UInt8]) -> Digest) -> [UInt8] {
        var lines = [CacheRecord.format, "instruction " + RecordText.escaped(instruction), "created \(created)"]
        if let layer { lines.append("layer \(layer.diffID.hex) \(layer.tarSize)") }
        let body = Array((lines.joined(separator: "\n") + "\n").utf8) + CacheRecord.encoded(key.inputs)
        return body + Array("sum \(digest(body).hex)\n".utf8)
    }

    /// The lines of the inputs, which come last.
    private static func encoded(_ inputs: [NamedInput]) -> [UInt8] {
        var result: [UInt8] = []
        for input in inputs {
            result += "input ".utf8
            result += RecordText.escaped(input.name).utf8
            result.append(UInt8(ascii: "\t"))
            result += RecordText.escaped(input.value).utf8
            result.append(UInt8(ascii: "\n"))
        }
        return result
    }

    /// Reads a record; `nil` for anything that is not exactly one: a damaged one is a miss.
    ///
    /// - Parameter key: The key that it must have. Its inputs are compared as they are written, not decoded.
    package init?(decoding bytes: [UInt8], for key: StepKey? = nil, digest: ([UInt8]) -> Digest) {
        let trailer = "sum ".utf8.count + 64 + 1
        guard bytes.count > trailer else { return nil }
        var body = Array(bytes.dropLast(trailer))
        guard bytes.suffix(trailer).elementsEqual("sum \(digest(body).hex)\n".utf8) else { return nil }
        if let key {
            let expected = CacheRecord.encoded(key.inputs)
            guard body.count > expected.count, body.suffix(expected.count).elementsEqual(expected) else { return nil }
            body.removeLast(expected.count)
            guard body.last == UInt8(ascii: "\n") else { return nil }
        }
        var instruction: String?
        var created: Int64?
        var layer: LayerResult?
        var inputs: [NamedInput] = []
        for (number, line) in body.split(separator: UInt8(ascii: "\n")).enumerated() {
            if number == 0 {
                guard line.elementsEqual(CacheRecord.format.utf8) else { return nil }
                continue
            }
            // By bytes: a blank and a combining character behind it are one `Character`.
            guard let blank = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
            let name = line[..<blank]
            let value = String(decoding: line[(blank + 1)...], as: UTF8.self)[...]
            if name.elementsEqual("instruction".utf8) {
                instruction = RecordText.unescaped(value)
            } else if name.elementsEqual("created".utf8) {
                created = Int64(value)
            } else if name.elementsEqual("layer".utf8) {
                let fields = value.split(separator: " ")
                guard fields.count == 2, let diffID = Digest(hex: fields[0]), let size = Int64(fields[1]) else {
                    return nil
                }
                layer = LayerResult(diffID: diffID, tarSize: size)
            } else if name.elementsEqual("input".utf8), key == nil {
                let fields = value.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
                guard fields.count == 2 else { return nil }
                inputs.append(NamedInput(RecordText.unescaped(fields[0]), RecordText.unescaped(fields[1])))
            } else {
                return nil
            }
        }
        guard let instruction, let created else { return nil }
        self.init(key: key ?? StepKey(inputs), instruction: instruction, layer: layer, created: created)
    }
}
