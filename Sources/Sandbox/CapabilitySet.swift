/// A set of Linux capabilities (`capabilities(7)`); bit *n* is capability number *n*.
public struct CapabilitySet: OptionSet, Sendable, Codable {
    /// One bit for each capability.
    public let rawValue: UInt64

    /// The capabilities whose bits are set.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// What Docker gives a container: enough to build and install software, not enough to touch the machine.
    public static let dockerDefault: CapabilitySet = [
        .changeOwner, .overridePermissions, .actAsOwner, .keepSetIDBits, .kill, .setGroupID, .setUserID,
        .setCapabilities, .bindLowPorts, .rawNetwork, .changeRoot, .makeDevices, .writeAudit, .setFileCapabilities,
    ]

    /// Everything; what `RUN --security=insecure` asks for.
    public static let all = CapabilitySet(rawValue: .max)

    /// `CAP_CHOWN`.
    public static let changeOwner = CapabilitySet(rawValue: 1 << 0)
    /// `CAP_DAC_OVERRIDE`.
    public static let overridePermissions = CapabilitySet(rawValue: 1 << 1)
    /// `CAP_FOWNER`.
    public static let actAsOwner = CapabilitySet(rawValue: 1 << 3)
    /// `CAP_FSETID`.
    public static let keepSetIDBits = CapabilitySet(rawValue: 1 << 4)
    /// `CAP_KILL`.
    public static let kill = CapabilitySet(rawValue: 1 << 5)
    /// `CAP_SETGID`.
    public static let setGroupID = CapabilitySet(rawValue: 1 << 6)
    /// `CAP_SETUID`.
    public static let setUserID = CapabilitySet(rawValue: 1 << 7)
    /// `CAP_SETPCAP`.
    public static let setCapabilities = CapabilitySet(rawValue: 1 << 8)
    /// `CAP_NET_BIND_SERVICE`.
    public static let bindLowPorts = CapabilitySet(rawValue: 1 << 10)
    /// `CAP_NET_RAW`.
    public static let rawNetwork = CapabilitySet(rawValue: 1 << 13)
    /// `CAP_SYS_CHROOT`.
    public static let changeRoot = CapabilitySet(rawValue: 1 << 18)
    /// `CAP_MKNOD`.
    public static let makeDevices = CapabilitySet(rawValue: 1 << 27)
    /// `CAP_AUDIT_WRITE`.
    public static let writeAudit = CapabilitySet(rawValue: 1 << 29)
    /// `CAP_SETFCAP`.
    public static let setFileCapabilities = CapabilitySet(rawValue: 1 << 31)

    /// A capability by the name that `capabilities(7)` has for it.
    public init?(name: String) {
        guard name.hasPrefix("CAP_"), let number = CapabilitySet.names.firstIndex(of: String(name.dropFirst(4))) else {
            return nil
        }
        self.init(rawValue: 1 << UInt64(number))
    }

    /// The names of all in the set, as `capabilities(7)` has them.
    public var names: [String] {
        CapabilitySet.names.enumerated().filter { rawValue & 1 << UInt64($0.offset) != 0 }.map { "CAP_\($0.element)" }
    }

    /// All names, by number.
    private static let names = """
        CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
        NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
        SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
        MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
        """.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(Substring($0)) }
}
