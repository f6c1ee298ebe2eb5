public import Distribution
internal import Glibc
public import Images
internal import TerminalUI

extension OpenedImage {
    /// Opens what a user calls an image; how one is pulled is shown on a terminal.
    ///
    /// - Parameter location: What the name means, where that does not depend on its form.
    public init(_ name: String, at location: ImageLocation? = nil, in images: ImageStore, needs: Need = .layers)
        async throws
    {
        let location = try location ?? ImageLocation(parsing: name)
        let progress = TransferProgress(isQuiet: !Terminal.isTerminal(STDERR_FILENO))
        defer { progress.finish() }
        self = try await Signals.cancelling {
            try await OpenedImage(name, at: location, in: images, needs: needs) { progress.show($0) }
        }
    }
}
