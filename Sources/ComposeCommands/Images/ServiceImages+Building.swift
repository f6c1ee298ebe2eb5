internal import BuildRecords
internal import BuildService
internal import Compose
internal import ContentStore
internal import Distribution
internal import FileSystem
internal import Images
internal import OCI
internal import Registry
internal import Reporting
internal import TerminalUI

extension ServiceImages {
    /// Builds the image of a service.
    ///
    /// - Parameter bases: The images of the services that are build contexts.
    func built(
        _ service: Service,
        _ definition: BuildDefinition,
        _ reason: BuildReason,
        _ name: ImageReference,
        _ bases: [String: ServiceImage]
    ) async throws -> ServiceImage {
        let previous = try stored(name, for: service)?.id
        let options = try ServiceBuild(service: service, definition: definition, project: project, policy: policy)
            .options(name: name, bases: bases)
        let record =
            try await policy.buildsAllPlatforms && definition.platforms.count > 1
            ? buildIndex(definition.platforms, options, service) : build(options, service)
        guard let id = record.image, let image = images.image(id: id) else {
            throw UserError("the image was removed right after the build")
        }
        return ServiceImage(
            name: name,
            image: try ResolvedImage(image, in: images),
            previous: previous,
            origin: .built(reason, record)
        )
    }

    private func build(_ options: BuildOptions, _ service: Service) async throws -> BuildRecord {
        try await BuildService(location) { [progress] in progress.show($0.part(of: service.name)) }.build(options)
    }

    /// Builds an image for each platform, and joins them under the names.
    ///
    /// - Returns: The record of the build for this machine, where there is one, or else of the last.
    private func buildIndex(_ platforms: [String], _ options: BuildOptions, _ service: Service) async throws
        -> BuildRecord
    {
        // None of them has a name before all of them are there.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        var records: [BuildRecord] = []
        for platform in platforms {
            var single = options
            (single.platform, single.tags, single.pushes) = (platform, [], false)
            records.append(try await build(single, service))
        }
        let members = records.compactMap(\.image).compactMap(images.image(id:))
        for tag in options.tags {
            let name = try ImageReference(parsing: tag)
            try ImageStore.check(newName: name)
            let index = try images.makeIndex(members, annotations: IndexAnnotations(parsing: []), name: name)
            progress.show(.part(of: service.name, .tagged(name.familiar)))
            guard options.pushes else { continue }
            let pusher = ImagePusher(.shared, from: images) { [progress] event in
                progress.show(.part(of: service.name, .transfer(event)))
            }
            let sent = try await pusher.push(index, as: name)
            progress.show(.part(of: service.name, .exported("\(name) (\(sent.digest), \(sent.size) bytes)")))
        }
        let platform = Platform.host.best(among: members.map(\.platform)) ?? records.endIndex - 1
        return records[platform]
    }
}
