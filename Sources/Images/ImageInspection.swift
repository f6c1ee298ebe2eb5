internal import OCI

/// What `inspect` prints about an image, under Docker's field names.
public struct ImageInspection: Sendable, Encodable {
    let image: StoredImage
    let names: [ImageReference]
    let registryDigests: [ImageReference]
    let configuration: ImageConfiguration
    let lastTagged: Timestamp?

    private enum Key: String, CodingKey {
        case Id, RepoTags, RepoDigests, Parent, Comment, Created, DockerVersion, Author, Config, Architecture, Variant,
            Os
        case OsVersion, Size, RootFS, Metadata, `Type`, Layers, LastTagTime
        case Hostname, Domainname, User, AttachStdin, AttachStdout, AttachStderr, ExposedPorts, Tty, OpenStdin,
            StdinOnce
        case Env, Cmd, Healthcheck, ArgsEscaped, Image, Volumes, WorkingDir, Entrypoint, OnBuild, Labels, StopSignal
        case StopTimeout, Shell, Descriptor
    }

    /// Writes the fields that Docker writes, empty ones included where Docker does.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(image.id, forKey: .Id)
        try container.encode(names.filter { $0.digest == nil }.map(\.familiar), forKey: .RepoTags)
        try container.encode(registryDigests.map(\.familiar), forKey: .RepoDigests)
        try container.encode("", forKey: .Parent)
        try container.encode(configuration.history.last?.comment ?? "", forKey: .Comment)
        try container.encodeIfPresent(configuration.created, forKey: .Created)
        try container.encode("", forKey: .DockerVersion)
        try container.encode(configuration.author ?? "", forKey: .Author)
        try container.encode(configuration.architecture, forKey: .Architecture)
        try container.encodeIfPresent(configuration.variant, forKey: .Variant)
        try container.encode(configuration.os, forKey: .Os)
        try container.encodeIfPresent(configuration.osVersion, forKey: .OsVersion)
        try container.encode(image.size, forKey: .Size)
        try container.encode(image.manifest, forKey: .Descriptor)
        var rootFilesystem = container.nestedContainer(keyedBy: Key.self, forKey: .RootFS)
        try rootFilesystem.encode("layers", forKey: .Type)
        try rootFilesystem.encode(configuration.rootfs.diffIDs, forKey: .Layers)
        var metadata = container.nestedContainer(keyedBy: Key.self, forKey: .Metadata)
        try metadata.encode(lastTagged ?? Timestamp(text: "0001-01-01T00:00:00Z"), forKey: .LastTagTime)
        try encodeExecution(container.nestedContainer(keyedBy: Key.self, forKey: .Config))
    }

    private func encodeExecution(_ nested: KeyedEncodingContainer<Key>) throws {
        var container = nested
        let config = configuration.config
        try container.encode(config.hostname ?? "", forKey: .Hostname)
        try container.encode(config.domainname ?? "", forKey: .Domainname)
        try container.encode(config.user ?? "", forKey: .User)
        for key in [Key.AttachStdin, .AttachStdout, .AttachStderr, .Tty, .OpenStdin, .StdinOnce] {
            try container.encode(false, forKey: key)
        }
        try container.encodeIfPresent(config.exposedPorts, forKey: .ExposedPorts)
        try container.encode(config.env, forKey: .Env)
        try container.encode(config.cmd, forKey: .Cmd)
        try container.encodeIfPresent(config.healthcheck, forKey: .Healthcheck)
        try container.encodeIfPresent(config.argsEscaped, forKey: .ArgsEscaped)
        try container.encode("", forKey: .Image)
        try container.encode(config.volumes, forKey: .Volumes)
        try container.encode(config.workingDir ?? "", forKey: .WorkingDir)
        try container.encode(config.entrypoint, forKey: .Entrypoint)
        try container.encode(config.onBuild, forKey: .OnBuild)
        try container.encode(config.labels, forKey: .Labels)
        try container.encodeIfPresent(config.stopSignal, forKey: .StopSignal)
        try container.encodeIfPresent(config.stopTimeout, forKey: .StopTimeout)
        try container.encodeIfPresent(config.shell, forKey: .Shell)
    }

}

/// What `inspect` prints about an index: itself, and under `Manifests` what it lists with the images' IDs.
public struct IndexInspection: Sendable, Encodable {
    fileprivate struct Entry: Encodable {
        let descriptor: Descriptor
        let id: Digest

        private enum Key: String, CodingKey { case Id }

        func encode(to encoder: any Encoder) throws {
            try descriptor.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(id, forKey: .Id)
        }
    }

    private let listed: ListedIndex

    public init(_ listed: ListedIndex) { self.listed = listed }

    private enum Key: String, CodingKey { case Id, RepoTags, Created, Size, Descriptor, Annotations, Manifests }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        let index = listed.index
        try container.encode(index.descriptor.digest, forKey: .Id)
        try container.encode(listed.names.map(\.familiar), forKey: .RepoTags)
        try container.encodeIfPresent(index.created, forKey: .Created)
        try container.encode(index.size, forKey: .Size)
        try container.encode(index.descriptor, forKey: .Descriptor)
        try container.encode(index.document.annotations ?? [:], forKey: .Annotations)
        let entries = zip(index.document.manifests, index.images).map { Entry(descriptor: $0, id: $1.id) }
        try container.encode(entries, forKey: .Manifests)
    }
}

/// What `inspect` prints about one of its arguments.
public enum Inspection: Sendable, Encodable {
    case image(ImageInspection)
    case index(IndexInspection)

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .image(let image): try image.encode(to: encoder)
        case .index(let index): try index.encode(to: encoder)
        }
    }
}

extension ImageStore {
    /// Everything that `inspect` shows about an image.
    ///
    /// - Throws: What `content(of:)` throws.
    public func inspect(_ image: StoredImage) throws -> ImageInspection {
        let names = try names(of: image)
        return ImageInspection(
            image: image,
            names: names,
            registryDigests: ListedImage(image: image, names: names).registryDigests,
            configuration: try configuration(of: image),
            lastTagged: lastTagged(names)
        )
    }
}
