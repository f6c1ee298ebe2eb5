public import Distribution
internal import Glibc
public import Images
public import OCI
internal import TerminalUI

extension OpenedImage {
    /// Opens what a user calls an image; how one is pulled is shown on a terminal.
    ///
    /// - Parameters:
    ///   - location: What the name means, where that does not depend on its form.
    ///   - platform: What the image has to be for; `nil` for this machine, or else for whatever it is for.
    public init(
        _ name: String,
        at location: ImageLocation? = nil,
        in images: ImageStore,
        platform: Platform? = nil,
        needs: Need = .layers
    ) async throws {
        let location = try location ?? ImageLocation(parsing: name)
        let progress = TransferProgress(isQuiet: !Terminal.isTerminal(STDERR_FILENO))
        defer { progress.finish() }
        self = try await Signals.cancelling {
            try await OpenedImage(name, at: location, in: images, platform: platform, needs: needs) {
                progress.show($0)
            }
        }
    }
}
