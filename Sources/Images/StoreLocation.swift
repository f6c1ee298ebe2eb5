internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import Reporting
public import SystemPackage

/// Where a store is, or would be.
public struct StoreLocation: Sendable {
    public let root: FilePath

    /// - Parameter root: What the user says; otherwise SWIFTBUILD_ROOT, or `/var/lib/swiftbuild` for root and a directory
    ///   below the home for others (XDG).
    public init(_ root: String? = nil) { self.root = FilePath(root ?? StoreLocation.usual) }

    /// Found once, since an ordinary user may be root in a user namespace later.
    private static let usual: String = {
        if let root = ProcessEnvironment["SWIFTBUILD_ROOT"], !root.isEmpty { return root }
        if geteuid() == 0 { return "/var/lib/swiftbuild" }
        if let data = ProcessEnvironment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/swiftbuild" }
        return (ProcessEnvironment["HOME"] ?? "/tmp") + "/.local/share/swiftbuild"
    }()

    /// Opens the store, and makes it where there is none.
    ///
    /// - Throws: `UserError` with the environment's exit status.
    public func open() throws(UserError) -> ImageStore {
        do {
            let store = try Store(root: root)
            return ImageStore(store, layers: LayerStore(store))
        } catch {
            throw UserError(
                "cannot open the store: \(error)",
                hints: ["`--root DIR` or SWIFTBUILD_ROOT names another directory"],
                status: .environment
            )
        }
    }

    /// Opens the store to look at it: where there is none, none is made, and nothing is found.
    ///
    /// - Throws: As `open` does.
    public func openExisting() throws(UserError) -> ImageStore { exists ? try open() : look() }

    /// The store as it is, without making or mending anything.
    public func look() -> ImageStore {
        let store = Store(lookingAt: root)
        return ImageStore(store, layers: LayerStore(store))
    }

    /// Whether there is a store, or something in its place of which opening tells that it is none.
    public var exists: Bool {
        switch FileStatus.ifPresent(root.appending("."))?.kind {
        case .directory:
            ["oci-layout", "index.json", "blobs"].contains { FileStatus.ifPresent(root.appending($0)) != nil }
        default: FileStatus.ifPresent(root) != nil
        }
    }
}
