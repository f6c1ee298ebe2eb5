import Tar
import Testing

@testable import Layers

@Suite("Recorded owners")
struct RecordedOwnerTests {
    @Test("are read as they are written, and nothing else is one")
    func text() throws {
        var entry = LayerEntry(
            path: PathInRoot("f"),
            kind: .regular,
            permissions: 0o644,
            userID: 70,
            groupID: 4_294_967_294
        )
        let owner = try #require(RecordedOwner(entry))
        #expect(owner.value == Array("70:4294967294".utf8))
        #expect(RecordedOwner(value: owner.value) == owner)
        entry.kind = .blockDevice
        (entry.deviceMajor, entry.deviceMinor) = (8, 1)
        let device = try #require(RecordedOwner(entry))
        #expect(device.value == Array("70:4294967294:b:8:1".utf8))
        var made = LayerEntry(path: PathInRoot("f"), kind: .regular, permissions: 0o644)
        made.size = 3
        try #require(RecordedOwner(value: device.value)).apply(to: &made)
        #expect(made.kind == .blockDevice && made.deviceMajor == 8 && made.userID == 70 && made.size == 0)
        #expect(RecordedOwner(LayerEntry.directory(.root)) == nil)
        for text in [
            "", "1", "1:", "1:2:", "1:2:3", "x:1", "1:-2", "1:2:d:3:4", "1:2:c:3", "1:2:c:3:4:5", "4294967296:0",
        ] {
            #expect(RecordedOwner(value: Array(text.utf8)) == nil, "\(text)")
        }
    }
}
