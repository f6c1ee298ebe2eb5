import ArgumentParser
import ContentStore
import FileSystem
import Glibc
import Images
import Layers
import OCI
import Reporting
import SystemPackage

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp("The directory of the store (or SWIFTBUILD_ROOT).", valueName: "dir")
    )
    var root: String?

    /// Opens the store.
    ///
    /// - Throws: `UserError` with the environment's exit code.
    func images() throws -> ImageStore {
        try GlobalOptions.images(root: root)
    }

    /// The same with what `--root` was given, if it was.
    static func images(root: String?) throws -> ImageStore {
        do {
            let store = try Store(root: FilePath(root ?? GlobalOptions.defaultRoot))
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
    func imagesToLookAt() throws -> ImageStore {
        hasStore ? try images() : GlobalOptions.images(lookingAt: root)
    }

    /// Whether there is a store, or something in its place of which opening tells that it is none.
    var hasStore: Bool {
        let path = FilePath(root ?? GlobalOptions.defaultRoot)
        return switch FileStatus.ifPresent(path.appending("."))?.kind {
        case .directory:
            ["oci-layout", "index.json", "blobs"].contains { FileStatus.ifPresent(path.appending($0)) != nil }
        default: FileStatus.ifPresent(path) != nil
        }
    }

    /// The same without making a store where there is none.
    static func images(lookingAt root: String?) -> ImageStore {
        let store = Store(lookingAt: FilePath(root ?? GlobalOptions.defaultRoot))
        return ImageStore(store, layers: LayerStore(store))
    }

    /// `SWIFTBUILD_ROOT`, or `/var/lib/swiftbuild` for root and a directory below the home for others (XDG).
    static var defaultRoot: String {
        if let root = ProcessEnvironment["SWIFTBUILD_ROOT"], !root.isEmpty { return root }
        if geteuid() == 0 { return "/var/lib/swiftbuild" }
        if let data = ProcessEnvironment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/swiftbuild" }
        return (ProcessEnvironment["HOME"] ?? "/tmp") + "/.local/share/swiftbuild"
    }
}

extension Platform {
    /// The platform that `--platform` names, or else DOCKER_DEFAULT_PLATFORM.
    ///
    /// - Throws: `UserError` with the code for wrong use.
    static func wanted(_ option: String?) throws -> Platform? {
        if let option { return try PreparedBuild.usage("--platform", option, Platform.init(parsing:)) }
        guard let text = ProcessEnvironment["DOCKER_DEFAULT_PLATFORM"], !text.isEmpty else { return nil }
        return try PreparedBuild.usage("DOCKER_DEFAULT_PLATFORM", text, Platform.init(parsing:))
    }
}
