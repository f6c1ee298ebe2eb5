internal import ContainerCommands
internal import ContainerRuntime
internal import Containers
internal import Layers
internal import SystemPackage

extension Container {
    /// The volumes that were made for this container alone, as mounts for one that takes its place.
    func anonymousVolumes(_ layers: LayerStore) throws -> [MountOption] {
        let volumes = VolumeStore(layers)
        return try record.volumes.compactMap { name in
            guard let volume = try volumes.find(name), volume.record.isAnonymous else { return nil }
            let mount = record.process.mounts.first {
                if case .bind(let path) = $0.source { path == volume.files.string } else { false }
            }
            return mount?.target.map {
                MountOption(.volume, source: name, target: $0, isReadOnly: mount?.isReadOnly ?? false)
            }
        }
    }
}
