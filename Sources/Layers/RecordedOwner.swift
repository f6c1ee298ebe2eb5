internal import Glibc
internal import Tar

/// The owner of a file as an ordinary user has it on disk: in an extended attribute, since all files are the user's.
///
/// A device that could not be made is a regular file whose attribute says what it is. A symbolic link or a pipe takes no
/// attributes, and has its owner in its time of access, which no layer keeps. `CSandbox/records.c` writes them too.
struct RecordedOwner: Equatable {
    static let attribute = "user.swiftbuild.owner"

    var userID: UInt32
    var groupID: UInt32
    var device: (kind: LayerEntry.Kind, major: UInt32, minor: UInt32)?

    /// Of an entry; `nil` for a file of root's, which needs none.
    init?(_ entry: LayerEntry) {
        (userID, groupID) = (entry.userID, entry.groupID)
        if entry.kind == .characterDevice || entry.kind == .blockDevice {
            device = (entry.kind, entry.deviceMajor, entry.deviceMinor)
        }
        if userID == 0, groupID == 0, device == nil { return nil }
    }

    /// From the value of an attribute, which is `UID:GID`, then perhaps `:c:MAJOR:MINOR`, or `b`.
    init?(value: [UInt8]) {
        let fields = value.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard fields.count == 2 || fields.count == 5, let user = UInt32(fields[0]), let group = UInt32(fields[1]) else {
            return nil
        }
        (userID, groupID) = (user, group)
        guard fields.count == 5 else { return }
        guard ["c", "b"].contains(fields[2]), let major = UInt32(fields[3]), let minor = UInt32(fields[4]) else {
            return nil
        }
        device = (fields[2] == "c" ? .characterDevice : .blockDevice, major, minor)
    }

    /// Seconds of the time of access that stands for root, in 2242; that of another user is later.
    ///
    /// It is later than the file's change, so that reading the file leaves it as it is (relatime).
    private static let firstSecond = 1 << 33
    /// Groups that nanoseconds have no room for are root's.
    private static let groupLimit: UInt32 = 1_000_000_000

    /// From the time of access of a symbolic link or a pipe.
    init?(accessTime: timespec) {
        guard let user = UInt32(exactly: accessTime.tv_sec - RecordedOwner.firstSecond),
            let group = UInt32(exactly: accessTime.tv_nsec)
        else { return nil }
        (userID, groupID) = (user, group)
    }

    /// From a symbolic link or a pipe in an open directory.
    init?(accessTimeOf name: [CChar], in directory: Int32) {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        self.init(accessTime: status.st_atim)
    }

    var accessTime: timespec {
        timespec(
            tv_sec: RecordedOwner.firstSecond + Int(userID),
            tv_nsec: groupID < RecordedOwner.groupLimit ? Int(groupID) : 0
        )
    }

    var value: [UInt8] {
        let kind = device.map { ":\($0.kind == .characterDevice ? "c" : "b"):\($0.major):\($0.minor)" } ?? ""
        return Array("\(userID):\(groupID)\(kind)".utf8)
    }

    /// Makes an entry of a file on disk the one that it stands for.
    func apply(to entry: inout LayerEntry) {
        (entry.userID, entry.groupID) = (userID, groupID)
        guard let device, entry.kind == .regular else { return }
        (entry.kind, entry.deviceMajor, entry.deviceMinor, entry.size) = (device.kind, device.major, device.minor, 0)
    }

    static func == (left: RecordedOwner, right: RecordedOwner) -> Bool { left.value == right.value }
}
