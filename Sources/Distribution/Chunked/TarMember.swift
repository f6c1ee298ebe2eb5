/// One member of a tar as its headers say it, for tables of contents that readers compare with the tar.
struct TarMember {
    /// What the member is, by its name in tables of contents.
    enum Kind: String {
        case regular = "reg"
        case hardLink = "hardlink"
        case symbolicLink = "symlink"
        case characterDevice = "char"
        case blockDevice = "block"
        case directory = "dir"
        case fifo
    }

    /// A time with the fraction that PAX headers may have.
    struct Time: Equatable {
        var seconds: Int64
        var nanoseconds: Int64 = 0
    }

    var kind: Kind
    /// As it is written, with `./` in front or a slash at the end.
    var name: String
    var linkTarget: String
    var mode: Int64
    var userID: Int64
    var groupID: Int64
    var userName: String
    var groupName: String
    var deviceMajor: Int64
    var deviceMinor: Int64
    var modified: Time
    var accessed: Time?
    var changed: Time?
    var attributes: [String: [UInt8]]
    /// Where its first header begins.
    var start: Int64
    /// Where its content begins, and what is next to it if there is none.
    var content: Int64
    /// Bytes of content; 0 for everything but files.
    var size: Int64

    /// Where the next member begins.
    var end: Int64 { content + (size + 511) / 512 * 512 }
}
