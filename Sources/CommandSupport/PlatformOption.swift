public import ArgumentParser
internal import Images
public import OCI

/// Which image of several platforms is looked at.
public struct PlatformOption: ParsableArguments {
    @Option(name: .customLong("platform"), help: ArgumentHelp("Which of an image's platforms.", valueName: "os/arch"))
    var text: String?

    public init() {}

    /// The platform that was asked for; `nil` where any image is as good as another.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    public var platform: Platform? { get throws { try Platform.wanted(text) } }
}
