internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import Sandbox
internal import SystemPackage

/// What the machine allows as it was found out last, in a file of the store.
///
/// Whatever changes it takes a start of the machine, or `swiftbuild doctor`, which asks anew; or it is in the first line.
struct KnownCapabilities {
    private let store: Store
    private let choice: IsolationChoice

    init(_ store: Store, _ choice: IsolationChoice) {
        (self.store, self.choice) = (store, choice)
    }

    private struct Record: Codable {
        let circumstances: String
        let capabilities: SandboxCapabilities
    }

    /// What else than the machine decides.
    private var circumstances: String {
        let reason = SubordinateUsers.obstacle.map { "\($0)" } ?? ""
        return "\(BootID.current) \(geteuid()) \(SubordinateUsers.areMapped) \(choice) \(reason)"
    }

    /// Reads it, or finds it out.
    func find() -> SandboxCapabilities {
        if let text = try? FileOperations.readRegular(store.machineRecord, limit: 1 << 16),
            let record = try? CanonicalJSON.decode(Record.self, from: text), record.circumstances == circumstances
        {
            return record.capabilities
        }
        var only: SandboxIsolation?
        if case .only(let isolation) = choice { only = isolation }
        let found = SandboxCapabilities.probe(in: store[.temporary], only: only)
        let record = Record(circumstances: circumstances, capabilities: found)
        if let text = try? CanonicalJSON.encode(record) {
            try? FileOperations.writeAtomically(text, to: store.machineRecord, temporary: store[.temporary])
        }
        return found
    }
}
