/// The users and groups of an image, read from its `/etc/passwd` and `/etc/group`.
///
/// Parsed here and not by the C library, which would load code and ask services of the machine (CVE-2019-14271).
public struct UserDatabase: Sendable {
    public struct User: Sendable {
        public let name: String
        public let userID: UInt32
        public let groupID: UInt32
        public let home: String
    }

    struct Group: Sendable {
        let name: String
        let groupID: UInt32
        let members: [String]
    }

    /// What a `USER` or `--user` text means.
    public struct Identity: Sendable, Equatable {
        public var userID: UInt32
        public var groupID: UInt32
        public var supplementaryGroups: [UInt32]
        /// The home directory; `/` for an unknown user.
        public var home: String

        public init(userID: UInt32, groupID: UInt32, supplementaryGroups: [UInt32], home: String) {
            self.userID = userID
            self.groupID = groupID
            self.supplementaryGroups = supplementaryGroups
            self.home = home
        }
    }

    /// The largest number of a user or group, as with Docker: the kernel takes the one above all for "no change".
    public static let largestID: UInt32 = 0x7FFF_FFFF

    /// The number that a text says, if it is one that a user or group can have.
    public static func number(_ text: some StringProtocol) -> UInt32? {
        UInt32(text).flatMap { $0 <= largestID ? $0 : nil }
    }

    /// What is wrong with a text that is a number and none that a user or group can have; `nil` for other texts.
    public static func reason(outOfRange text: String) -> String? {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), number(text) == nil else { return nil }
        return "invalid user or group `\(text)`: expected a number from 0 to \(largestID), or a name"
    }

    /// Files larger than this are cut: no system has so many users, and a crafted image may have an endless file.
    public static let fileLimit: Int64 = 4 << 20

    private let users: [User]
    private let groups: [Group]

    /// Reads the two files; lines that are not understood are skipped.
    public init(passwd: [UInt8], group: [UInt8]) {
        func number(_ text: String) -> UInt32? { UserDatabase.number(text) }
        users = UserDatabase.lines(passwd).compactMap { fields in
            guard fields.count >= 4, let userID = number(fields[2]), let groupID = number(fields[3]) else { return nil }
            return User(name: fields[0], userID: userID, groupID: groupID, home: fields.count > 5 ? fields[5] : "")
        }
        groups = UserDatabase.lines(group).compactMap { fields in
            guard fields.count >= 3, let groupID = number(fields[2]) else { return nil }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            return Group(name: fields[0], groupID: groupID, members: members)
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [[String]] {
        bytes.split(separator: UInt8(ascii: "\n")).map { line in
            line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    }

    /// The number of a user name or number; `nil` for an unknown name.
    ///
    /// `root` is 0 where no file says otherwise.
    public func userID(_ text: String) -> UInt32? {
        users.first { $0.name == text }?.userID ?? UserDatabase.idWithoutFile(text)
    }

    /// The number of a group name or number; `nil` for an unknown name.
    ///
    /// `root` is 0 where no file says otherwise.
    public func groupID(_ text: String) -> UInt32? {
        groups.first { $0.name == text }?.groupID ?? UserDatabase.idWithoutFile(text)
    }

    /// What needs no file: a number, and `root`, which an image made from nothing has, too.
    private static func idWithoutFile(_ text: String) -> UInt32? { text == "root" ? 0 : number(text) }

    /// The primary group of a user name; `nil` for an unknown one.
    public func primaryGroup(ofUserNamed name: String) -> UInt32? {
        users.first { $0.name == name }?.groupID
    }

    /// A user by number, known or not.
    public func identity(ofUser number: UInt32) -> Identity {
        var unknown: String?
        return identity(of: String(number), unknown: &unknown)
            ?? Identity(userID: number, groupID: 0, supplementaryGroups: [0], home: "/")
    }

    /// Resolves `user[:group]`, each a name or a number; an empty text is root.
    ///
    /// Without a group, the user's own and all groups that list the user by name; an unknown number has group 0. The
    /// primary group is always among the supplementary ones, so that a program which sets another one keeps what was
    /// forbidden to the group forbidden (CVE-2022-36109).
    ///
    /// - Returns: `nil` with the name that is unknown, in `unknown`.
    public func identity(of text: String, unknown: inout String?) -> Identity? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let userText = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        let user =
            users.first { $0.name == userText }
            ?? UserDatabase.number(userText).flatMap { number in users.first { $0.userID == number } }
        guard let userID = user?.userID ?? UserDatabase.idWithoutFile(userText) else {
            unknown = userText
            return nil
        }
        let home = user.map { $0.home.isEmpty ? "/" : $0.home } ?? "/"
        if parts.count == 2, !parts[1].isEmpty {
            guard let groupID = groupID(parts[1]) else {
                unknown = parts[1]
                return nil
            }
            return Identity(userID: userID, groupID: groupID, supplementaryGroups: [groupID], home: home)
        }
        let groupID = user?.groupID ?? 0
        var all = [groupID]
        if let user {
            for group in groups where group.members.contains(user.name) && !all.contains(group.groupID) {
                all.append(group.groupID)
            }
        }
        return Identity(userID: userID, groupID: groupID, supplementaryGroups: all, home: home)
    }
}
