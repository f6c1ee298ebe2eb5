/// Which system calls a process may make, in the form of Docker's seccomp profiles.
///
/// [Docker's documentation](https://docs.docker.com/engine/security/seccomp/) describes the JSON form.
public struct SeccompProfile: Sendable, Codable {
    /// What becomes of a call.
    public enum Action: String, Sendable, Codable {
        case allow = "SCMP_ACT_ALLOW"
        case fail = "SCMP_ACT_ERRNO"
        case kill = "SCMP_ACT_KILL"
        case killThread = "SCMP_ACT_KILL_THREAD"
        case killProcess = "SCMP_ACT_KILL_PROCESS"
        case log = "SCMP_ACT_LOG"
        case trace = "SCMP_ACT_TRACE"
        case trap = "SCMP_ACT_TRAP"
    }

    /// How an argument is compared.
    public enum Comparison: String, Sendable, Codable {
        case notEqual = "SCMP_CMP_NE"
        case less = "SCMP_CMP_LT"
        case lessOrEqual = "SCMP_CMP_LE"
        case equal = "SCMP_CMP_EQ"
        case greaterOrEqual = "SCMP_CMP_GE"
        case greater = "SCMP_CMP_GT"
        /// `value` is the mask, `valueTwo` what must be left under it.
        case maskedEqual = "SCMP_CMP_MASKED_EQ"
    }

    /// What an argument must be.
    public struct Condition: Sendable, Codable, Hashable {
        let index: Int
        let value: UInt64
        var valueTwo: UInt64?
        let op: Comparison

        init(_ index: Int, _ op: Comparison, _ value: UInt64, _ valueTwo: UInt64? = nil) {
            (self.index, self.op, self.value, self.valueTwo) = (index, op, value, valueTwo)
        }
    }

    /// Where a rule holds or does not.
    public struct Circumstances: Sendable, Codable {
        /// As Go names them: `amd64`, `arm64`.
        var arches: [String]?
        /// `CAP_…`.
        var caps: [String]?
        /// The first version of Linux, as `4.8`.
        var minKernel: String?
    }

    /// What becomes of some calls.
    public struct Rule: Sendable, Codable {
        var name: String?
        var names: [String]?
        let action: Action
        var errnoRet: UInt32?
        var args: [Condition]?
        var includes: Circumstances?
        var excludes: Circumstances?

        var allNames: [String] { (name.map { [$0] } ?? []) + (names ?? []) }

        init(
            _ names: String,
            _ args: [Condition]? = nil,
            action: Action = .allow,
            errnoRet: UInt32? = nil,
            includes: Circumstances? = nil,
            excludes: Circumstances? = nil
        ) {
            self.names = names.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
                .map { String(Substring($0)) }
            (self.action, self.errnoRet, self.args) = (action, errnoRet, args)
            (self.includes, self.excludes) = (includes, excludes)
        }
    }

    /// An architecture of the machine with those whose programs it runs too.
    public struct Architecture: Sendable, Codable {
        let architecture: String
        var subArchitectures: [String]?
    }

    let defaultAction: Action
    var defaultErrnoRet: UInt32?
    var architectures: [String]?
    var archMap: [Architecture]?
    var syscalls: [Rule]?
}
