internal import CSandbox
internal import FileSystem
internal import Glibc
internal import Synchronization
public import SystemPackage

/// The users and groups that an ordinary user may have besides the own ones: ranges in `/etc/subuid` and `/etc/subgid`,
/// which `newuidmap` and `newgidmap` map into a user namespace (subuid(5), shadow).
///
/// This process enters that namespace as a whole, in which it is root: files of these users are then like its own
/// everywhere, wherever they are read, written or removed. The processes of one store share the namespace, so that they
/// can enter each other's; a small process keeps it, and ends with the last of them.
public enum SubordinateUsers {
    /// What keeps this from working.
    public enum Obstacle: Error, Sendable, Equatable {
        /// The user has no range in this file.
        case noRange(file: String, user: String)
        /// A program is not installed.
        case noProgram(String)
        /// The system refuses the namespace, or the programs refuse the map: in their words.
        case refused(String)
    }

    private static let failure = Mutex<Obstacle?>(nil)

    /// Why this process is not in such a namespace though it was to enter one.
    public static var obstacle: Obstacle? { failure.withLock { $0 } }

    /// Whether root here is root only in a user namespace: in this one, or in a container without a daemon.
    public static let areMapped = sb_is_below_user_namespace() != 0

    /// Enters the namespace that belongs to a file, made where there is none; for a process with one thread.
    ///
    /// Where that does not work, `obstacle` says why.
    public static func enter(_ file: FilePath) {
        do {
            let (user, group) = (geteuid(), getegid())
            try enterShared(file)
            sb_remember_caller(user, group)
        } catch {
            failure.withLock { $0 = error as? Obstacle ?? .refused("\(error)") }
        }
    }

    /// Keeps the namespace for a process that was started in it.
    public static func stay(_ file: FilePath) {
        guard areMapped, FileStatus.ifPresent(file) != nil else { return }
        _ = file.withPlatformString { sb_share_users($0) }
    }

    private static func enterShared(_ file: FilePath) throws {
        let users = try command("newuidmap", "/etc/subuid", own: geteuid())
        let groups = try command("newgidmap", "/etc/subgid", own: getegid())
        let start = try FileLock.acquire(file.removingLastComponent(), .exclusive)
        defer { withExtendedLifetime(start) {} }
        // The last other process may end in between.
        for _ in 0..<3 {
            let isFirst = try FileLock.tryAcquire(file, .exclusive) != nil
            guard file.withPlatformString({ sb_share_users($0) }) == 0 else { throw SystemError("lock", file) }
            guard let namespace = isFirst ? try makeNamespace(file, users, groups) : recordedNamespace(file) else {
                continue
            }
            guard sb_enter_user(namespace.descriptor) == 0 else { throw SystemError("enter", "user namespace") }
            return
        }
        throw Obstacle.refused("the process that keeps the user namespace ends too early")
    }

    /// The program that maps ranges, with the arguments that map this user's: an own number to 0, then all others.
    private static func command(_ program: String, _ file: FilePath, own: UInt32) throws(Obstacle) -> [String] {
        var name = "\(geteuid())"
        if let entry = getpwuid(geteuid()) { name = String(cString: entry.pointee.pw_name) }
        let text = String(decoding: (try? FileOperations.read(file, limit: 1 << 20)) ?? [], as: UTF8.self)
        let ranges = SubordinateRange.all(in: text, of: [name, "\(geteuid())"])
        if ranges.isEmpty { throw .noRange(file: file.string, user: name) }
        let path = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        guard path.contains(where: { access("\($0)/\(program)", X_OK) == 0 }) else { throw .noProgram(program) }
        var (arguments, next) = ([program, String(repeating: "0", count: 20), "0", "\(own)", "1"], UInt64(1))
        for range in ranges {
            arguments += ["\(next)", "\(range.first)", "\(range.count)"]
            next += range.count
        }
        return arguments
    }

    /// Copies for C, of which the second one is overwritten with a number.
    private static func pointers(_ arguments: [String]) -> [UnsafeMutablePointer<CChar>?] {
        arguments.map { strdup($0) } + [nil]
    }

    private static func makeNamespace(_ file: FilePath, _ users: [String], _ groups: [String]) throws -> OpenFile {
        var message = [CChar](repeating: 0, count: 512)
        var (first, second) = (pointers(users), pointers(groups))
        let id = file.withPlatformString { sb_hold_users($0, &first, &second, &message, message.count) }
        for pointer in first + second { free(pointer) }
        guard id > 0 else {
            let said = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let line = said.split(separator: "\n").first.map(String.init)
            throw Obstacle.refused(line ?? "\(SystemError("create", "user namespace"))")
        }
        let namespace = try OpenFile(FilePath("/proc/\(id)/ns/user"))
        let record = Array("\(id) \(try inode(namespace))\n".utf8)
        let target = try OwnedDescriptor(file, O_WRONLY | O_TRUNC)
        try record.withUnsafeBytes { try FileOperations.write($0, to: target.rawValue, path: file) }
        return namespace
    }

    /// That of the process which another one has started; `nil` where it has ended.
    private static func recordedNamespace(_ file: FilePath) -> OpenFile? {
        let text = (try? FileOperations.read(file, limit: 100)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let numbers = text.split(whereSeparator: \.isWhitespace)
        guard numbers.count == 2, let id = pid_t(numbers[0]),
            let namespace = try? OpenFile(FilePath("/proc/\(id)/ns/user")),
            // Its number may be another process's by now.
            (try? inode(namespace)).map({ "\($0)" == numbers[1] }) ?? false
        else { return nil }
        return namespace
    }

    private static func inode(_ file: OpenFile) throws(SystemError) -> UInt64 {
        try FileStatus.of(descriptor: file.descriptor, path: "user namespace").inode
    }
}

extension SubordinateUsers.Obstacle: CustomStringConvertible {
    /// A sentence, in lower case and without full stop.
    public var description: String {
        switch self {
        case .noRange(let file, let user): "`\(file)` has no range for `\(user)`"
        case .noProgram(let name): "`\(name)` is not installed"
        case .refused(let reason): reason
        }
    }

    /// What helps, where that is known.
    public var hint: String? {
        switch self {
        case .noRange(_, let user):
            "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(user)"
        case .noProgram: "install the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora), shadow-uidmap (Alpine)"
        case .refused: nil
        }
    }
}
