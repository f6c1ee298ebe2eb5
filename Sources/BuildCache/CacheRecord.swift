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
        var lines = [CacheRecord.format, "instruction " + CacheRecord.escaped(instruction), "created \(created)"]
        if let layer { lines.append("layer \(layer.diffID.hex) \(layer.tarSize)") }
        for input in key.inputs {
            lines.append("input \(CacheRecord.escaped(input.name))\t\(CacheRecord.escaped(input.value))")
        }
        let body = Array((lines.joined(separator: "\n") + "\n").utf8)
        return body + Array("sum \(digest(body).hex)\n".utf8)
    }

    /// `nil` for anything that is not exactly a record: a damaged one is a miss.
    init?(decoding bytes: [UInt8], digest: ([UInt8]) -> Digest) {
        let trailer = "sum ".utf8.count + 64 + 1
        guard bytes.count > trailer else { return nil }
        let body = Array(bytes.dropLast(trailer))
        guard bytes.suffix(trailer).elementsEqual("sum \(digest(body).hex)\n".utf8) else { return nil }
        var instruction: String?
        var created: Int64?
        var layer: LayerResult?
        var inputs: [NamedInput] = []
        for (number, lineBytes) in body.split(separator: UInt8(ascii: "\n")).enumerated() {
            // By bytes: a blank and a combining character behind it are one `Character`.
            let parts = lineBytes.split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(decoding: parts[1], as: UTF8.self)[...] : ""
            switch String(decoding: parts[0], as: UTF8.self) {
            case _ where number == 0:
                guard lineBytes.elementsEqual(CacheRecord.format.utf8) else { return nil }
            case "instruction": instruction = CacheRecord.unescaped(value)
            case "created": created = Int64(value)
            case "layer":
                let fields = value.split(separator: " ")
                guard fields.count == 2, let diffID = Digest(hex: fields[0]), let size = Int64(fields[1]) else {
                    return nil
                }
                layer = LayerResult(diffID: diffID, tarSize: size)
            case "input":
                let fields = value.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
                guard fields.count == 2 else { return nil }
                inputs.append(NamedInput(CacheRecord.unescaped(fields[0]), CacheRecord.unescaped(fields[1])))
            default: return nil
            }
        }
        guard let instruction, let created else { return nil }
        self.init(key: StepKey(inputs), instruction: instruction, layer: layer, created: created)
    }

    private static func escaped(_ text: String) -> String {
        guard
            text.utf8.contains(where: {
                $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\t")
            })
        else { return text }
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): result += Array("\\n".utf8)
            case UInt8(ascii: "\t"): result += Array("\\t".utf8)
            case UInt8(ascii: "\\"): result += Array("\\\\".utf8)
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var result: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                result.append(
                    byte == UInt8(ascii: "n")
                        ? UInt8(ascii: "\n") : byte == UInt8(ascii: "t") ? UInt8(ascii: "\t") : byte
                )
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
