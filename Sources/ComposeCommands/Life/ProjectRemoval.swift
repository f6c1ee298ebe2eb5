internal import Compose
internal import ContainerNetworks
internal import Containers
internal import Images

/// Takes a project down: its containers, those that need others first, then its networks, and what else is asked for.
struct ProjectRemoval: Sendable {
    /// Which images are removed too.
    enum Images: String, Sendable, CaseIterable {
        /// Those that the file has no name for.
        case local
        case all
    }

    let project: ComposeProject
    /// Only the containers of these; empty for everything.
    let services: [String]
    /// Seconds before a container is killed; `nil` for what it says itself.
    var timeout: Int?
    var removesVolumes = false
    /// Whether containers of services that are not in the file are removed too.
    var removesOrphans = false
    var images: Images?

    func run() async throws {
        let lock = try project.lock()
        defer { withExtendedLifetime(lock) {} }
        let all = try project.containers()
        let selected = try project.containers(of: services, includesOneOffs: true).filter { container in
            !services.isEmpty || removesOrphans || container.isOneOff
                || project.definition?.declaredServices.contains(container.service) ?? true
        }
        try await ProjectStop(project: project, timeout: timeout).remove(selected, removesVolumes: removesVolumes)
        let rest = Set(all.map(\.name)).subtracting(selected.map(\.name))
        if !rest.isEmpty, services.isEmpty {
            let names = rest.sorted().map { "`\($0)`" }.joined(separator: ", ")
            ProjectProgress.warn(
                "containers of services that are not in the Compose file: \(names); `--remove-orphans` removes them"
            )
        }
        guard services.isEmpty else { return }
        try removeNetworks()
        if removesVolumes { try removeVolumes() }
        if let images { removeImages(images) }
    }

    private func removeNetworks() throws {
        for network in try project.store.networks.list()
        where network.labels[ProjectLabel.project] == project.name.text {
            do throws(NetworkError) {
                _ = try project.store.networks.remove(network.name)
                ProjectProgress.show(.network, network.name, "Removed")
            } catch {
                guard case .inUse(_, let containers) = error else { throw error }
                ProjectProgress.warn(
                    "the network `\(network.name)` stays: \(containers.joined(separator: ", ")) uses it"
                )
            }
        }
    }

    private func removeVolumes() throws {
        let volumes = VolumeStore(project.images.layers)
        for volume in try volumes.all() where volume.record.labels[ProjectLabel.project] == project.name.text {
            do {
                try volumes.remove(volume.name, containers: project.store)
                ProjectProgress.show(.volume, volume.name, "Removed")
            } catch ContainerStoreError.volumeInUse(_, let container) {
                ProjectProgress.warn("the volume `\(volume.name)` stays: `\(container)` uses it")
            }
        }
    }

    private func removeImages(_ which: Images) {
        let services = project.definition?.services ?? []
        let unnamed = services.filter { $0.image == nil }.map { "\(project.name)-\($0.name)" }
        let named = which == .all ? services.compactMap(\.image) : []
        for name in Set(unnamed + named).sorted() {
            do {
                _ = try project.images.remove(name)
                ProjectProgress.show(.image, name, "Removed")
            } catch ImageError.notFound {
                continue
            } catch {
                ProjectProgress.warn("the image `\(name)` stays: \(error)")
            }
        }
    }
}
