import ContentStore
import FileSystem
import OCI
import RemoteAddresses
import SystemPackage
import TestSupport
import Testing

@testable import RemoteSources

@Suite("A date of a server")
struct HTTPDateTests {
    @Test(
        "is that of RFC 9110",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600), ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Thu, 31 Dec 1998 23:59:60 GMT", 915_148_800), ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] as [(String, Int64)]
    )
    func seconds(text: String, seconds: Int64) {
        #expect(HTTPDate(text)?.seconds == seconds)
    }

    @Test(
        "is none in any other form",
        arguments: [
            "", "0", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        ]
    )
    func malformed(text: String) {
        #expect(HTTPDate(text) == nil)
    }
}

@Suite("The record of a download")
struct DownloadRecordTests {
    private static let digest = SHA256Hasher.digest(of: "content")

    @Test(
        "comes back as it was saved",
        arguments: [
            (nil, nil), ("\"1\"", nil), (nil, "Sun, 06 Nov 1994 08:49:37 GMT"), ("W/\"a b\"", "yesterday"), ("", ""),
        ] as [(String?, String?)]
    )
    func roundTrip(tag: String?, lastModified: String?) throws {
        try StoreFixture.with { fixture in
            let path = fixture.path("record")
            try DownloadRecord(tag: tag, lastModified: lastModified, digest: Self.digest, size: 7)
                .write(to: path, in: fixture.store)
            let read = try #require(DownloadRecord(path: path))
            #expect(read.digest == Self.digest && read.size == 7)
            // An empty field says nothing, and neither does a record of it.
            #expect(
                read.tag == (tag == "" ? nil : tag) && read.lastModified == (lastModified == "" ? nil : lastModified)
            )
            #expect(read.modified == (lastModified?.hasSuffix("GMT") == true ? 784_111_777 : 0))
        }
    }

    @Test("cannot be forged by what a server sends")
    func injection() throws {
        try StoreFixture.with { fixture in
            let path = fixture.path("record")
            let other = SHA256Hasher.digest(of: "other").hex
            try DownloadRecord(tag: "\"1\"\ncontent \(other)", lastModified: "x\nsize 0", digest: Self.digest, size: 7)
                .write(to: path, in: fixture.store)
            let read = try #require(DownloadRecord(path: path))
            #expect(read.digest == Self.digest && read.size == 7 && read.tag == nil && read.lastModified == nil)
        }
    }

    @Test(
        "that is damaged is as good as none",
        arguments: [
            "", "swiftbuild-download 1", "swiftbuild-download 2\ncontent \(digest.hex)\nsize 7\n",
            "swiftbuild-download 1\ncontent \(digest.hex)\n", "swiftbuild-download 1\nsize 7\n",
            "swiftbuild-download 1\ncontent \(digest)\nsize 7\n",
            "swiftbuild-download 1\ncontent \(digest.hex)\nsize x\n",
            "content \(digest.hex)\nsize 7\n", "\u{0}",
        ]
    )
    func damaged(text: String) throws {
        try StoreFixture.with { fixture in
            let path = try fixture.write("record", Array(text.utf8))
            #expect(DownloadRecord(path: path) == nil)
            #expect(DownloadRecord(path: fixture.path("none")) == nil)
        }
    }

    @Test("is found by the address, in which credentials do not count")
    func paths() throws {
        try StoreFixture.with { fixture in
            let paths = try [
                "https://h/a", "https://user:secret@h:443/a#fragment", "https://h/b", "http://h/a", "https://h/a?b",
            ].map { DownloadRecord.path(of: try WebAddress(parsing: $0), in: fixture.store) }
            #expect(paths[0] == paths[1] && Set(paths).count == 4)
        }
    }
}
