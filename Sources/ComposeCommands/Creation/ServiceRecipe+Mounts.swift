internal import Compose
internal import ContainerCommands
internal import ContainerRuntime
internal import Reporting

/// What is mounted in the containers of a service.
extension ServiceRecipe {
    func mounts() throws -> [MountOption] {
        try service.mounts.map { mount in
            func option(_ kind: MountOption.Kind, _ source: String?) -> MountOption {
                MountOption(kind, source: source, target: mount.target, isReadOnly: mount.isReadOnly)
            }
            switch mount.source {
            case .bind(let path, let isMade, let propagation):
                if let propagation, !["private", "rprivate"].contains(propagation) {
                    throw UserError("--mount: the propagation `\(propagation)` of `\(mount.target)` is not supported")
                }
                var result = option(.bind, path)
                result.createsSource = isMade
                return result
            case .volume(let key, let isCopied, let subpath):
                var result = option(.volume, key.map { definition.volumes[$0]?.name ?? $0 })
                result.isNotFilled = !isCopied
                result.subpath = subpath
                return result
            case .memory(let size, let mode):
                var result = option(.tmpfs, nil)
                result.memorySize = size.map { UInt64(clamping: $0) }
                if let mode { result.memory.permissions = UInt32(mode) }
                return result
            case .image(let name, let subpath):
                var result = option(.image, name)
                result.subpath = subpath
                return result
            }
        }
    }

}
