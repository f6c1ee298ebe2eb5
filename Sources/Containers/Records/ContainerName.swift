/// A name that people give a container: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, as with Docker.
public struct ContainerName: Sendable, Hashable, Codable, CustomStringConvertible {
    public let description: String

    /// - Throws: `ContainerStoreError.invalidName`.
    public init(_ text: String) throws(ContainerStoreError) {
        let name = text.hasPrefix("/") ? String(text.dropFirst()) : text
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard name.utf8.count >= 2, let first = name.utf8.first, isAlphanumeric(first),
            name.utf8.allSatisfy({ isAlphanumeric($0) || [0x5F, 0x2E, 0x2D].contains($0) })
        else { throw .invalidName(text) }
        description = name
    }

    private init(unchecked text: String) { description = text }

    /// A name for a container that was given none: an adjective and a noun, with a number once most are taken.
    static func random(except taken: Set<String>) -> ContainerName {
        for attempt in 0... {
            guard let adjective = adjectives.randomElement(), let noun = nouns.randomElement() else { break }
            let name = "\(adjective)_\(noun)" + (attempt < 20 ? "" : "\(Int.random(in: 0...attempt))")
            if !taken.contains(name) { return ContainerName(unchecked: name) }
        }
        preconditionFailure("the loop ends only with a name")
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try ContainerName(try container.decode(String.self))
        } catch let error as ContainerStoreError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static let adjectives = [
        "agile", "amber", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cosmic", "crisp", "curious",
        "daring", "deft", "eager", "early", "fair", "fleet", "gentle", "glad", "golden", "grand", "happy", "hardy",
        "humble", "jolly", "keen", "kind", "lively", "lucid", "lunar", "mellow", "merry", "mild", "modest", "neat",
        "nimble", "noble", "patient", "placid", "polite", "proud", "quick", "quiet", "rapid", "ready", "serene",
        "silent", "silver", "smart", "solar", "steady", "stellar", "sunny", "swift", "tidy", "vivid", "warm", "wise",
    ]
    private static let nouns = [
        "albatross", "avocet", "bee_eater", "bittern", "bluebird", "bunting", "buzzard", "condor", "cormorant", "crane",
        "curlew", "dipper", "dove", "dunlin", "eagle", "egret", "falcon", "finch", "flycatcher", "gannet", "goldcrest",
        "goshawk", "grebe", "harrier", "hawk", "heron", "hobby", "hoopoe", "ibis", "jackdaw", "jay", "kestrel",
        "kingfisher", "kite", "lapwing", "lark", "linnet", "magpie", "martin", "merlin", "nightjar", "nuthatch",
        "oriole", "osprey", "ouzel", "owl", "petrel", "pipit", "plover", "puffin", "raven", "robin", "rook", "siskin",
        "snipe", "sparrow", "starling", "stork", "swallow", "swan", "swift", "tern", "thrush", "wagtail", "warbler",
        "wren",
    ]
}
