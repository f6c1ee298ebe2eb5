import BuildCache
import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

/// A step cache in a store that is removed afterwards.
private func withCache(_ body: (StepCache, Store) throws -> Void) throws {
    try StoreFixture.with { try body(StepCache($0.store), $0.store) }
}

private func record(_ inputs: [NamedInput], instruction: String = "RUN true") -> CacheRecord {
    let layer = CacheRecord.LayerResult(diffID: SHA256Hasher.digest(of: [1]), tarSize: 10_240)
    return CacheRecord(key: StepKey(inputs), instruction: instruction, layer: layer, created: -5)
}

@Suite("A cache record")
struct CacheRecordTests {
    static let oddTexts = [
        "", " ", "\n", "\t", "\\", "\\n", "\\\\t", "\r\n", "a\u{0}b", "\u{0301}combining", " \u{0301}", "\u{200D}",
        "\u{FE0F}x",
        "e\u{0301}", "\u{E9}", "sum 00", "input a\tb", "\nlayer 00 1\n", "🇩🇪", "\u{FFFF}", "trailing\\",
        String(repeating: "x\n\t\\", count: 1 << 18),
    ]

    @Test("comes back as it was saved, whatever is in its texts", arguments: oddTexts.indices)
    func roundTrip(index: Int) throws {
        let text = Self.oddTexts[index]
        try withCache { cache, _ in
            let inputs = [NamedInput(text, "value"), NamedInput("name", text), NamedInput(text, text)]
            let saved = record(inputs, instruction: text)
            try cache.save(saved)
            let found = try #require(cache.record(for: saved.key))
            #expect(Array(found.instruction.utf8) == Array(text.utf8))
            #expect(found.layer == saved.layer)
            #expect(found.created == -5)
            for (own, other) in zip(found.key.inputs, inputs) {
                #expect(own.name.utf8.elementsEqual(other.name.utf8) && own.value.utf8.elementsEqual(other.value.utf8))
            }
        }
    }

    @Test("is a miss with any byte flipped and cut anywhere")
    func damaged() throws {
        try withCache { cache, store in
            let saved = record([NamedInput("below", "00"), NamedInput("files", "a\tb")])
            try cache.save(saved)
            let path = store[.cache].appending(saved.key.digest.hex)
            let bytes = try FileOperations.read(path)
            for position in bytes.indices {
                for mask: UInt8 in [0x01, 0x20, 0x80, 0xFF] {
                    var damaged = bytes
                    damaged[position] ^= mask
                    try FileOperations.writeAtomically(damaged, to: path, temporary: store[.temporary])
                    #expect(cache.record(for: saved.key) == nil, "byte \(position)")
                }
                try FileOperations.writeAtomically(bytes[..<position], to: path, temporary: store[.temporary])
                #expect(cache.record(for: saved.key) == nil, "cut to \(position)")
            }
            try FileOperations.writeAtomically(bytes + [10], to: path, temporary: store[.temporary])
            #expect(cache.record(for: saved.key) == nil)
            try FileOperations.writeAtomically(bytes, to: path, temporary: store[.temporary])
            #expect(cache.record(for: saved.key) == saved)
        }
    }

    @Test("under the name of another key is a miss")
    func moved() throws {
        try withCache { cache, store in
            let saved = record([NamedInput("a", "1")])
            let other = StepKey([NamedInput("a", "2")])
            try cache.save(saved)
            let bytes = try FileOperations.read(store[.cache].appending(saved.key.digest.hex))
            try FileOperations.writeAtomically(
                bytes,
                to: store[.cache].appending(other.digest.hex),
                temporary: store[.temporary]
            )
            #expect(cache.record(for: other) == nil)
        }
    }

    @Test("that is a directory, damaged, or no file at all, is a miss and has no layer")
    func noRecord() throws {
        try withCache { cache, store in
            let saved = record([NamedInput("a", "1")])
            try cache.save(saved)
            try FileOperations.writeAtomically(
                [1],
                to: store[.cache].appending("damaged"),
                temporary: store[.temporary]
            )
            try FileOperations.createDirectories(store[.cache].appending(StepKey([]).digest.hex))
            #expect(cache.record(for: StepKey([])) == nil)
            #expect(try cache.layers() == [SHA256Hasher.digest(of: [1])])
        }
    }
}

@Suite("A step key")
struct StepKeyTests {
    @Test("differs wherever the inputs do, also where only a boundary moves")
    func injective() {
        let keys: [[NamedInput]] = [
            [], [NamedInput("", "")], [NamedInput("", ""), NamedInput("", "")], [NamedInput("ab", "c")],
            [NamedInput("a", "bc")], [NamedInput("", "abc")], [NamedInput("abc", "")], [NamedInput("a", "b\n1 1 cd")],
            [NamedInput("a", "b"), NamedInput("c", "d")], [NamedInput("c", "d"), NamedInput("a", "b")],
            [NamedInput("a", "b"), NamedInput("a", "b")], [NamedInput("1 1 a", "b")], [NamedInput("e\u{0301}", "")],
            [NamedInput("\u{E9}", "")], [NamedInput("a", "b\n")], [NamedInput("a\n", "b")],
        ]
        #expect(Set(keys.map { StepKey($0).digest }).count == keys.count)
    }

    @Test("is the same for the same inputs, and has not changed its format unnoticed")
    func stable() {
        let inputs = [NamedInput("below", "x"), NamedInput("instruction", "RUN true")]
        #expect(StepKey(inputs) == StepKey(inputs))
        let text = "swiftbuild step key 1\n5 1 belowx\n11 8 instructionRUN true"
        #expect(StepKey(inputs).digest == SHA256Hasher.digest(of: Array(text.utf8)))
    }
}
