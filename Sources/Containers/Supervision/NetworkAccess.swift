public import ContainerNetworks
internal import ContainerRuntime
internal import FileSystem
internal import SystemPackage

/// What a container has of the network from its first start until it has ended for good.
///
/// It outlives the container's process, so that a restarted one has the same addresses and ports.
enum NetworkAccess {
    /// What the process's specification says: the machine's, or none.
    case specified
    /// That of another container.
    case shared(OpenFile)
    /// Interfaces of its own.
    case connected(LiveNetworks)

    /// - Throws: `NetworkError`, `ContainerStoreError`.
    init(_ record: ContainerRecord, in store: ContainerStore) throws {
        switch record.network {
        case .host, .none: self = .specified
        case .container(let id):
            let file = try store.networkNamespace(of: id)
            // That of the machine, to which an ordinary user has no further rights, need not be entered.
            let inodes = try [OpenFile("/proc/self/ns/net"), file].map {
                try FileStatus.of(descriptor: $0.descriptor, path: "network namespace").inode
            }
            self = inodes[0] == inodes[1] ? .specified : .shared(file)
        case .networks(let attachments):
            let request = NetworkRequest(
                container: record.id,
                containerName: record.name.description,
                attachments: attachments,
                ports: record.publishedPorts,
                resolver: record.resolver
            )
            self = .connected(try store.networking.start(request))
        }
    }

    /// A descriptor of the namespace that the process has to enter; `nil` where its specification decides.
    var namespace: Int32? {
        switch self {
        case .specified: nil
        case .shared(let file): file.descriptor
        case .connected(let networks): networks.namespace.descriptor
        }
    }

    var endpoints: [NetworkEndpoint] { if case .connected(let networks) = self { networks.endpoints } else { [] } }

    /// Tells the process its own address, and its name server.
    func complete(_ process: inout ProcessSpecification) {
        guard case .connected(let networks) = self else { return }
        if let gateway = networks.gateway {
            process.hosts = process.hosts.map { $0.isMachine ? ExtraHost(name: $0.name, address: "\(gateway)") : $0 }
        }
        let name = process.hostname
        process.hosts += endpoints.map { ExtraHost(name: name, address: "\($0.address)") }
        process.resolverFile = networks.resolverFile
    }

    /// Removes everything that was made for the container alone.
    func stop() { if case .connected(let networks) = self { try? networks.stop() } }
}

extension ContainerStore {
    /// The networks of the store.
    public var networks: NetworkStore { networking.networks }

    var networking: ContainerNetworking {
        ContainerNetworking(store) { isSupervised($0) }
    }

    /// The network namespace of a running container.
    fileprivate func networkNamespace(of id: ContainerID) throws -> OpenFile {
        let other = try container(id)
        guard other.state.isRunning else { throw ContainerStoreError.notRunningToShare("network", other.record.name) }
        let file = try OpenFile(FilePath("/proc/\(other.state.processID)/ns/net"))
        // Its number may have become another process's in the meantime.
        guard ProcessIdentity.isProcess(of: other.state) else {
            throw ContainerStoreError.notRunningToShare("network", other.record.name)
        }
        return file
    }

    /// A descriptor of the process of a running container, of whose namespaces another one is to be.
    ///
    /// - Parameter what: What they have in common then, for the message.
    func process(of id: ContainerID, sharing what: String) throws -> OpenFile {
        let other = try container(id)
        let state = other.state
        guard state.isRunning,
            let number = ProcessIdentity.descriptor(of: state.processID, startedAt: state.processStart),
            let descriptor = OwnedDescriptor(number)
        else { throw ContainerStoreError.notRunningToShare(what, other.record.name) }
        return OpenFile(descriptor)
    }
}
