import Glibc
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
    @Test("of links are times of access, and times of today are none")
    func times() throws {
        var entry = LayerEntry(path: PathInRoot("l"), kind: .symbolicLink, permissions: 0o777)
        for (user, group) in [(UInt32(0), UInt32(7)), (70, 0), (4_294_967_294, 999_999_999)] {
            (entry.userID, entry.groupID) = (user, group)
            let owner = try #require(RecordedOwner(entry))
            #expect(RecordedOwner(accessTime: owner.accessTime) == owner)
        }
        // What a group has no room for is root's.
        entry.groupID = 1_000_000_000
        #expect(try #require(RecordedOwner(entry)).accessTime.tv_nsec == 0)
        for seconds in [0, -1, 1_800_000_000, 8_589_934_591, 12_884_901_888] {
            #expect(RecordedOwner(accessTime: timespec(tv_sec: seconds, tv_nsec: 5)) == nil, "\(seconds)")
        }
    }
}
