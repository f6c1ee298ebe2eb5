internal import Compose
internal import ContainerNetworks
internal import Containers
internal import Images
internal import Layers
internal import Reporting

/// The networks and volumes of a project.
struct ProjectResources: Sendable {
    let project: ComposeProject
    let definition: Project

    /// Makes what is missing, in the order of names.
    ///
    /// - Throws: `UserError` for what is external and missing, or belongs to somebody else; `NetworkError`,
    ///   `ContainerStoreError`.
    func create() throws {
        for (key, network) in definition.networks.sorted(by: { $0.key < $1.key }) { try create(key, network) }
        for (key, volume) in definition.volumes.sorted(by: { $0.key < $1.key }) { try create(key, volume) }
    }

    private func create(_ key: String, _ network: ProjectNetwork) throws {
        if ["host", "none", NetworkRecord.defaultName].contains(network.name) { return }
        // All is checked before anything is made.
        let pool = network.pools.first
        let subnet = try pool?.subnet.map { text in
            guard let subnet = IPv4Subnet(text) else { throw invalid(key, "subnet", text, "an IPv4 subnet") }
            return subnet
        }
        let gateway = try pool?.gateway.map { text in
            guard let address = IPv4Address(text) else { throw invalid(key, "gateway", text, "an IPv4 address") }
            return address
        }
        if let record = try existing(network.name) {
            guard !network.isExternal else { return }
            guard record.labels[ProjectLabel.project] == definition.name.text else {
                ProjectProgress.warn(
                    "the network `\(network.name)` was not made by the project `\(definition.name)`; `external: true` says so"
                )
                return
            }
            let isChanged = subnet.map { $0 != record.subnet } ?? false || network.isInternal != record.isInternal
            guard isChanged else { return }
            throw UserError(
                "the network `\(network.name)` differs from what the Compose file says",
                hints: ["`compose down` removes it, and the next `up` makes it anew"]
            )
        }
        guard !network.isExternal else {
            throw UserError(
                "the external network `\(network.name)` does not exist",
                hints: ["`swiftbuild network create \(network.name)` makes it"]
            )
        }
        // Without bridges, containers are on the machine's network, as with `run`.
        if key == "default", ContainerNetworking.obstacle() != nil { return }
        _ = try project.store.networks.create(
            network.name,
            subnet: subnet,
            gateway: gateway,
            isInternal: network.isInternal,
            labels: network.labels.merging(labels([ProjectLabel.network: key])) { $1 }
        )
        ProjectProgress.show(.network, network.name, "Created")
    }

    private func invalid(_ key: String, _ field: String, _ text: String, _ expected: String) -> UserError {
        UserError("networks.\(key).ipam: the \(field) `\(text)` is not \(expected)")
    }

    private func existing(_ name: String) throws -> NetworkRecord? {
        do throws(NetworkError) {
            let record = try project.store.networks.find(name).record
            // It could be the beginning of an ID.
            return record.name == name ? record : nil
        } catch {
            if case .notFound = error { return nil }
            throw error
        }
    }

    private func create(_ key: String, _ volume: ProjectVolume) throws {
        let store = VolumeStore(project.images.layers)
        if let existing = try store.find(volume.name) {
            if !volume.isExternal, existing.record.labels[ProjectLabel.project] != definition.name.text {
                ProjectProgress.warn(
                    "the volume `\(volume.name)` was not made by the project `\(definition.name)`; `external: true` says so"
                )
            }
            return
        }
        guard !volume.isExternal else {
            throw UserError(
                "the external volume `\(volume.name)` does not exist",
                hints: ["`swiftbuild volume create \(volume.name)` makes it"]
            )
        }
        _ = try store.open(volume.name, labels: volume.labels.merging(labels([ProjectLabel.volume: key])) { $1 })
        ProjectProgress.show(.volume, volume.name, "Created")
    }

    private func labels(_ own: [String: String]) -> [String: String] {
        own.merging([ProjectLabel.project: definition.name.text, ProjectLabel.version: ProjectLabel.followedVersion]) {
            $1
        }
    }
}
