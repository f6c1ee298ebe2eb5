import ArgumentParser
import FileSystem
import Images
import OCI
import Reporting

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp("The directory of the store (or SWIFTBUILD_ROOT).", valueName: "dir")
    )
    var root: String?

    var store: StoreLocation { StoreLocation(root) }
}

extension Platform {
    /// The platform that `--platform` names, or else DOCKER_DEFAULT_PLATFORM.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    static func wanted(_ option: String?) throws -> Platform? {
        if let option { return try UserError.reading("--platform", option, Platform.init(parsing:)) }
        guard let text = ProcessEnvironment["DOCKER_DEFAULT_PLATFORM"], !text.isEmpty else { return nil }
        return try UserError.reading("DOCKER_DEFAULT_PLATFORM", text, Platform.init(parsing:))
    }
}
