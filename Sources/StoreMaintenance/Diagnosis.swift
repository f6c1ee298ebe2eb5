public import Images
internal import Reporting
internal import SystemPackage

/// What a machine allows, and whether a store is in order: the document of `doctor`.
public struct Diagnosis: Encodable {
    public private(set) var findings = MachineCheck.findings()
    public let store: String
    public private(set) var usage: StoreUsage?

    /// - Parameter isRepairing: Whether all content is read, and what is damaged removed where it can be made again.
    /// - Throws: `ImageError`, `SystemError`.
    public init(of location: StoreLocation, isRepairing: Bool) throws {
        store = location.root.string
        let skeleton = StoreSkeleton(root: location.root)
        let damaged = location.exists ? skeleton.damaged : []
        findings += damaged.map { path in
            isRepairing
                ? DoctorFinding(.note, "store", "made `\(path)` again")
                : DoctorFinding(
                    .error,
                    "store",
                    "`\(path)` has the wrong type",
                    hint: "`swiftbuild doctor --repair` recreates it"
                )
        }
        guard location.exists else {
            findings.append(MachineCheck.place(ofStore: location.root))
            return
        }
        guard isRepairing || damaged.isEmpty else { return }
        if isRepairing { try skeleton.repair() }
        let images: ImageStore
        do {
            images = try location.open()
        } catch {
            findings.append(DoctorFinding(.error, "store", error.message, hint: error.hints.first))
            return
        }
        findings += MachineCheck.findings(store: images.store)
        findings += try StoreCheck(images, repairing: isRepairing).findings()
        usage = try StoreUsage(images)
    }
}

/// One thing that `doctor` tells.
public struct DoctorFinding: Encodable, Sendable {
    public enum Level: String, Encodable, Sendable {
        case ok, note, warning
        /// Builds are not possible.
        case error
    }

    public let level: Level
    public let subject: String
    public let text: String
    public let hint: String?

    init(_ level: Level, _ subject: String, _ text: String, hint: String? = nil) {
        self.level = level
        self.subject = subject
        self.text = text
        self.hint = hint
    }
}
