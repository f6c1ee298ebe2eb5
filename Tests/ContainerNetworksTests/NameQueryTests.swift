import Testing

@testable import ContainerNetworks

/// A query in the form of RFC 1035.
func nameQuery(_ name: String, type: UInt8 = 1, id: [UInt8] = [0x12, 0x34]) -> [UInt8] {
    id + [1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + (NameQuery.encode(name) ?? [0]) + [0, type, 0, 1]
}

@Suite("A name query")
struct NameQueryTests {
    @Test("is read whatever the case of its name, and with what follows it")
    func valid() throws {
        let query = try #require(NameQuery((nameQuery("WEB.Example") + [0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0])[...]))
        #expect(query.name == "web.example")
        #expect(query.type == NameQuery.RecordType.address)
    }

    @Test("is read from anywhere in a buffer")
    func slice() throws { #expect(NameQuery(([9, 9, 9] + nameQuery("a")).dropFirst(3))?.name == "a") }

    @Test("of an address names it backwards")
    func reverse() throws {
        let query = try #require(NameQuery(nameQuery("2.0.17.172.in-addr.arpa", type: 12)[...]))
        #expect(query.reverseAddress == IPv4Address("172.17.0.2"))
        #expect(NameQuery(nameQuery("x.0.17.172.in-addr.arpa", type: 12)[...])?.reverseAddress == nil)
        #expect(NameQuery(nameQuery("in-addr.arpa", type: 12)[...])?.reverseAddress == nil)
    }

    private static let header: [UInt8] = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    private static let hostile: [(String, [UInt8])] = [
        ("nothing", []),
        ("half a header", Array(header.prefix(6))),
        ("a header alone", header),
        ("an answer", [0, 1, 0x81, 0x80, 0, 1] + header.dropFirst(6) + [1, 97, 0, 0, 1, 0, 1]),
        ("another operation", [0, 1, 0x28, 0, 0, 1] + header.dropFirst(6) + [1, 97, 0, 0, 1, 0, 1]),
        ("no question", [0, 1, 1, 0, 0, 0] + header.dropFirst(6)),
        ("two questions", [0, 1, 1, 0, 0, 2] + header.dropFirst(6) + [1, 97, 0, 0, 1, 0, 1, 1, 97, 0, 0, 1, 0, 1]),
        ("65535 questions", [0, 1, 1, 0, 255, 255] + header.dropFirst(6) + [1, 97, 0, 0, 1, 0, 1]),
        ("a pointer to itself", header + [0xC0, 12, 0, 1, 0, 1]),
        ("a pointer behind the end", header + [0xFF, 0xFF, 0, 1, 0, 1]),
        ("a label that points to itself", header + [1, 97, 0xC0, 12, 0, 1, 0, 1]),
        ("a reserved kind of label", header + [0x40, 97, 0, 0, 1, 0, 1]),
        ("a label longer than the message", header + [63, 97, 98]),
        ("a name without end", header + [1, 97]),
        ("no type", header + [1, 97, 0]),
        ("half a class", header + [1, 97, 0, 0, 1, 0]),
        ("another class", header + [1, 97, 0, 0, 1, 0, 3]),
        ("a name of 65,000 bytes", header + [UInt8](repeating: 1, count: 65_000)),
    ]

    @Test("that is malformed is nothing, and refused without a crash", arguments: hostile)
    func malformed(what: String, bytes: [UInt8]) {
        #expect(NameQuery(bytes[...]) == nil)
        if NameQuery.isQuery(bytes[...]) {
            #expect(NameQuery.refusal(of: bytes[...], .formatError).count == NameQuery.headerSize)
        }
    }

    @Test("that is cut or damaged anywhere is read without a crash")
    func damaged() {
        let whole = nameQuery("web.example")
        for end in whole.indices { #expect(NameQuery(whole[..<end]) == nil) }
        for position in whole.indices {
            for value in [0, 1, 63, 64, 127, 192, 255] as [UInt8] {
                var damaged = whole
                damaged[position] = value
                if let query = NameQuery(damaged[...]) { _ = query.answer([[1, 2, 3, 4]], limit: 512) }
            }
        }
    }

    @Test("is answered with records of its name, and cut with TC where they are too many")
    func answer() throws {
        let query = try #require(NameQuery(nameQuery("a")[...]))
        #expect(
            query.answer([[10, 0, 0, 1]], limit: 512)
                == [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]
                + [0xC0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4, 10, 0, 0, 1]
        )
        let many = query.answer((0..<100).map { [10, 0, 0, $0] }, limit: 512)
        #expect(many.count <= 512)
        #expect(many[2] & 2 == 2)
        #expect(many[7] == 30)
    }
}
