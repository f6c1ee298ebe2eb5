public import ContainerNetworks

extension Container {
    /// Connects the container to a network, at once where it runs.
    ///
    /// - Throws: `NetworkError`, `ContainerStoreError.sharesNetwork`, `.unsupported` with the supervisor's words.
    public func connect(_ attachment: NetworkAttachment) throws {
        let network = try store.networks.find(attachment.network).record
        let attachment = NetworkAttachment(network.name, aliases: attachment.aliases, address: attachment.address)
        try store.changeNetwork(of: id) { settings in
            let attachments: [NetworkAttachment]
            switch settings {
            case .networks(let known): attachments = known
            case .none where !state.isRunning: attachments = []
            default: throw ContainerStoreError.sharesNetwork(record.name)
            }
            guard !attachments.contains(where: { $0.network == network.name }) else {
                throw NetworkError.alreadyConnected(container: record.name.description, network: network.name)
            }
            if state.isRunning { try connect(.connect(attachment)).waitForAnswer() }
            settings = .networks(attachments + [attachment])
        }
    }

    /// Disconnects the container from a network.
    ///
    /// - Throws: As `connect`.
    public func disconnect(from reference: String) throws {
        let network = try store.networks.find(reference).record
        try store.changeNetwork(of: id) { settings in
            guard case .networks(let attachments) = settings else {
                throw ContainerStoreError.sharesNetwork(record.name)
            }
            let rest = attachments.filter { $0.network != network.name }
            guard rest.count < attachments.count else {
                throw NetworkError.notConnected(container: record.name.description, network: network.name)
            }
            if state.isRunning { try connect(.disconnect(network.name)).waitForAnswer() }
            settings = rest.isEmpty ? .none : .networks(rest)
        }
    }
}
