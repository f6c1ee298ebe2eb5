/// A limit that a process and all that it starts have (`setrlimit(2)`).
public struct ResourceLimit: Sendable, Equatable, Codable {
    /// What is limited.
    public enum Resource: String, Sendable, CaseIterable, Codable {
        case core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending,
            stack

        /// The number by which the kernel knows it.
        var number: Int32 {
            switch self {
            case .cpu: 0
            case .fsize: 1
            case .data: 2
            case .stack: 3
            case .core: 4
            case .rss: 5
            case .nproc: 6
            case .nofile: 7
            case .memlock: 8
            case .locks: 10
            case .sigpending: 11
            case .msgqueue: 12
            case .nice: 13
            case .rtprio: 14
            case .rttime: 15
            }
        }
    }

    public let resource: Resource
    /// What holds until the process asks for more; `UInt64.max` means no limit.
    public let soft: UInt64
    /// The most that it may ask for, in the unit of the resource; `UInt64.max` means no limit.
    public let hard: UInt64

    /// - Returns: `nil` when `soft` is above `hard`, which the kernel would refuse.
    public init?(_ resource: Resource, soft: UInt64, hard: UInt64) {
        guard soft <= hard else { return nil }
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let (soft, hard) = try (values.decode(UInt64.self, forKey: .soft), values.decode(UInt64.self, forKey: .hard))
        guard let limit = try ResourceLimit(values.decode(Resource.self, forKey: .resource), soft: soft, hard: hard)
        else {
            throw DecodingError.dataCorruptedError(forKey: .soft, in: values, debugDescription: "it is above `hard`")
        }
        self = limit
    }
}

extension ResourceLimit: CustomStringConvertible {
    /// As `--ulimit` writes it.
    public var description: String {
        func text(_ value: UInt64) -> String { value == .max ? "unlimited" : String(value) }
        return "\(resource.rawValue)=\(text(soft)):\(text(hard))"
    }
}
