internal import CommandSupport
internal import Compose
internal import Images
internal import Reporting
internal import TerminalUI

/// The images of the services that containers are made of.
struct ProjectImages: Sendable {
    let definition: Project
    let store: StoreLocation
    let policy: ServiceImagePolicy
    /// Shows what is built and pulled.
    let progress: any ProgressRenderer

    /// Builds and pulls what is missing or asked for.
    ///
    /// - Returns: The image of each service, by name.
    func ensure(_ services: [Service]) async throws -> [String: ServiceImage] {
        do {
            let images = try await ServiceImages(definition, in: store, policy, progress: progress).ensure(services)
            progress.finish()
            return images
        } catch {
            progress.finish()
            throw error
        }
    }
}
