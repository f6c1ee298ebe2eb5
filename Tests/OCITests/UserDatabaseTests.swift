import OCI
import Testing

@Suite("The users of an image")
struct UserDatabaseTests {
    private let users = UserDatabase(
        passwd: Array(
            """
            root:x:0:0::/root:/bin/sh
            bob:x:50:500::/home/bob:
            big:x:4294967295:0::/:
            large:x:7:2147483648::/:
            largest:x:2147483647:2147483647::/:

            """.utf8
        ),
        group: Array("root:x:0:\nwheel:x:10:root,bob\nown:x:500:bob\nhuge:x:4294967295:bob\n".utf8)
    )

    private func identity(_ text: String) -> UserDatabase.Identity? {
        var unknown: String?
        return users.identity(of: text, unknown: &unknown)
    }

    @Test(
        "have the primary group among their groups, and further ones where none is named",
        arguments: [
            ("", [0, 10]), ("0", [0, 10]), ("root", [0, 10]), ("root:root", [0]), ("0:7", [7]), ("1234", [0]),
            ("1234:5678", [5678]), ("bob", [500, 10]), ("50", [500, 10]), ("bob:wheel", [10]),
        ] as [(String, [UInt32])]
    )
    func groups(text: String, expected: [UInt32]) throws {
        let found = identity(text)
        let identity = try #require(found)
        #expect(identity.supplementaryGroups == expected)
        #expect(identity.groupID == expected[0])
    }

    @Test(
        "have no number above 2147483647, wherever it stands",
        arguments: ["4294967295", "2147483648", "1:4294967295", "4294967296", "-1", "big", "large", "bob:huge"]
    )
    func numbers(text: String) {
        #expect(identity(text) == nil)
    }

    @Test("may have the largest number that there is")
    func largest() {
        #expect(identity("largest")?.userID == 2_147_483_647)
        #expect(identity("2147483647:2147483647")?.home == "/")
        #expect(users.userID("4294967295") == nil)
        #expect(users.groupID("4294967295") == nil)
        #expect(UserDatabase.reason(outOfRange: "4294967295") != nil)
        #expect(UserDatabase.reason(outOfRange: "bob") == nil)
        #expect(UserDatabase.reason(outOfRange: "5") == nil)
    }
}
