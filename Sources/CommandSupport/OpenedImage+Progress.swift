public import Distribution
internal import Glibc
public import Images
internal import TerminalUI

extension OpenedImage {
    /// Opens what a user calls an image; how one is pulled is shown on a terminal.
    public init(_ name: String, in images: ImageStore) async throws {
        let location = try ImageLocation(parsing: name)
        guard case .registry = location else {
            try await self.init(name, at: location, in: images) { _ in }
            return
        }
        let progress = TransferProgress(isQuiet: !Terminal.isTerminal(STDERR_FILENO))
        defer { progress.finish() }
        self = try await Signals.cancelling {
            try await OpenedImage(name, at: location, in: images) { progress.show($0) }
        }
    }
}
