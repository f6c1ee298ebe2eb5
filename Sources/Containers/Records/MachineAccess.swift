public import Sandbox

/// What a container has of the machine itself, and of other containers beside their networks.
public struct MachineAccess: Sendable, Codable {
    /// Devices that are in its `/dev`.
    public var devices: [Device] = []
    /// Further devices that it may use once it has made the files for them.
    public var deviceRules: [DeviceRule] = []
    /// The machine's namespaces that it is in.
    public var namespaces: Set<SharedNamespace> = []
    /// The container whose processes it sees, and which sees its own.
    public var processesOf: ContainerID?
    /// The container whose memory and queues it has in common, with `/dev/shm`.
    public var ipcOf: ContainerID?
    /// Added to the kernel's score when it chooses what to kill for memory, -1000 to 1000; `nil` for the builder's.
    public var memoryScore: Int32?

    public init() {}

    /// Whether what it starts does not end with its first process.
    var sharesProcesses: Bool { namespaces.contains(.processes) || processesOf != nil }

    /// A device of the machine, and where the container has it, as `--device` says it.
    public struct Device: Sendable, Hashable, Codable {
        public let path: String
        public let target: String
        public let access: DeviceAccess

        /// All that the machine has, as `--privileged` gives them.
        public static let all = Device(path: "/dev", target: "/dev", access: .all)

        /// Parses `PATH[:TARGET][:rwm]`.
        ///
        /// - Throws: `ContainerStoreError.invalidSetting`.
        public init(parsing text: String) throws(ContainerStoreError) {
            func invalid(_ reason: String) -> ContainerStoreError { .invalidSetting("--device", text, reason: reason) }
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
                throw invalid("expected PATH[:PATH][:rwm]")
            }
            var access = DeviceAccess.all
            var target = parts[0]
            switch parts.count {
            case 3:
                guard let given = DeviceAccess(parsing: parts[2]) else { throw invalid("expected some of r, w and m") }
                (target, access) = (parts[1], given)
            case 2:
                if let given = DeviceAccess(parsing: parts[1]) { access = given } else { target = parts[1] }
            default: break
            }
            self.init(path: parts[0], target: target, access: access)
            guard path.hasPrefix("/"), target.hasPrefix("/") else { throw invalid("the paths must begin with /") }
        }

        public init(path: String, target: String, access: DeviceAccess) {
            (self.path, self.target, self.access) = (path, target, access)
        }
    }

    /// What may be done with a kind of device, as `--device-cgroup-rule` says it.
    public struct DeviceRule: Sendable, Hashable, Codable, CustomStringConvertible {
        public enum Kind: String, Sendable, Codable {
            case character = "c"
            case block = "b"
            case any = "a"
        }

        public let kind: Kind
        /// `nil` for any.
        public let major: Int64?
        public let minor: Int64?
        public let access: DeviceAccess

        /// Parses `KIND MAJOR:MINOR ACCESS`, such as `c 189:* rw`.
        ///
        /// - Throws: `ContainerStoreError.invalidSetting`.
        public init(parsing text: String) throws(ContainerStoreError) {
            let invalid = ContainerStoreError.invalidSetting(
                "--device-cgroup-rule",
                text,
                reason: "expected, for example, `c 189:* rw`"
            )
            let words = text.split(separator: " ")
            let numbers = words.count == 3 ? words[1].split(separator: ":", omittingEmptySubsequences: false) : []
            func isNumber(_ text: Substring) -> Bool { text == "*" || UInt32(text) != nil }
            guard numbers.count == 2, numbers.allSatisfy(isNumber), let kind = Kind(rawValue: String(words[0])),
                let access = DeviceAccess(parsing: String(words[2]))
            else { throw invalid }
            self.kind = kind
            (major, minor) = (Int64(numbers[0]), Int64(numbers[1]))
            self.access = access
        }

        public var description: String {
            "\(kind.rawValue) \(major.map { "\($0)" } ?? "*"):\(minor.map { "\($0)" } ?? "*") \(access)"
        }
    }

    /// What may be done with a device.
    public struct DeviceAccess: OptionSet, Sendable, Hashable, Codable, CustomStringConvertible {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The kernel's numbers (`linux/bpf.h`).
        public static let make = DeviceAccess(rawValue: 1)
        public static let read = DeviceAccess(rawValue: 2)
        public static let write = DeviceAccess(rawValue: 4)
        public static let all: DeviceAccess = [.make, .read, .write]

        private static let letters: [(Character, DeviceAccess)] = [("r", .read), ("w", .write), ("m", .make)]

        /// - Returns: `nil` for anything but letters of `rwm`, each at most once.
        init?(parsing text: String) {
            self = []
            for letter in text {
                guard let access = DeviceAccess.letters.first(where: { $0.0 == letter })?.1, insert(access).inserted
                else { return nil }
            }
            guard !isEmpty else { return nil }
        }

        public var description: String {
            String(DeviceAccess.letters.filter { contains($0.1) }.map(\.0))
        }
    }
}
