internal import FileSystem
public import OCI
internal import Reporting

extension Platform {
    /// The platform that `--platform` names, or else DOCKER_DEFAULT_PLATFORM.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    public static func wanted(_ option: String?) throws -> Platform? {
        if let option { return try UserError.reading("--platform", option, Platform.init(parsing:)) }
        guard let text = ProcessEnvironment["DOCKER_DEFAULT_PLATFORM"], !text.isEmpty else { return nil }
        return try UserError.reading("DOCKER_DEFAULT_PLATFORM", text, Platform.init(parsing:))
    }
}
