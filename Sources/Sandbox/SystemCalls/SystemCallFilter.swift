/// Which system calls a process in a sandbox may make.
public enum SystemCallFilter: Sendable, Codable {
    /// What Docker allows by default (`SeccompProfile.docker`).
    case dockerDefault
    /// All of them.
    case unconfined
    /// What a profile of the user allows.
    case profile(SeccompProfile)

    /// The program for the kernel; `nil` for none.
    func program(_ capabilities: CapabilitySet) throws(SandboxError) -> SeccompProgram? {
        switch self {
        case .unconfined: return nil
        case .dockerDefault where capabilities == .dockerDefault: return try SystemCallFilter.usual.get()
        case .dockerDefault: return try SeccompProgram(.docker, capabilities)
        case .profile(let profile): return try SeccompProgram(profile, capabilities)
        }
    }

    /// What nearly every process gets, compiled when the first one starts.
    private static let usual = Result { () throws(SandboxError) in try SeccompProgram(.docker, .dockerDefault) }
}
