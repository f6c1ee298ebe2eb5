public import ContainerNetworks
internal import FileSystem
public import OCI
public import SystemPackage

/// What lists show of a container: its files are read, but only what is shown is decoded.
public struct ContainerSummary: Sendable {
    public let id: ContainerID
    public let name: String
    /// When it was created.
    public let created: Timestamp
    /// What the user called the image; empty where there is none.
    public let image: String
    /// The program and its arguments.
    public let arguments: [String]
    public let status: ContainerState.Status
    public let exitCode: Int32
    public let started: Timestamp?
    public let finished: Timestamp?
    /// `nil` without a health check.
    public let health: ContainerState.Health.Status?
    private let store: ContainerStore
    private let record: JSONMembers
    private let state: JSONMembers

    /// - Parameters:
    ///   - record: Of `container.json`.
    ///   - state: Of `state.json`.
    /// - Throws: `ContainerStoreError.damaged`, `DecodingError`.
    init(_ id: ContainerID, _ store: ContainerStore, _ record: JSONMembers, _ state: JSONMembers) throws {
        func damaged(_ file: String) -> ContainerStoreError {
            .damaged(id, reason: "`\(file)` is not what was written")
        }
        (self.id, self.store, self.record, self.state) = (id, store, record, state)
        do {
            name = try record.text("name")
            created = Timestamp(text: try record.text("created"))
            image = try record.text("image")
            arguments = try record.object("process").texts("arguments")
        } catch is DecodingError {
            throw damaged("container.json")
        }
        do {
            func time(_ name: String) throws -> Timestamp? {
                state.has(name) ? Timestamp(text: try state.text(name)) : nil
            }
            guard let status = ContainerState.Status(rawValue: try state.text("status")) else {
                throw damaged("state.json")
            }
            self.status = status
            exitCode = Int32(clamping: try state.integer("exitCode"))
            (started, finished) = (try time("started"), try time("finished"))
            health = state.has("health") ? .init(rawValue: try state.object("health").text("status")) : nil
        } catch is DecodingError {
            throw damaged("state.json")
        }
    }

    /// The image's digest as text; `nil` for a stage that is not an image yet.
    public var imageID: String? { try? record.text("imageID") }

    public var labels: [String: String] { record.isFilled("labels") ? (try? record.value("labels")) ?? [:] : [:] }

    /// The names of the volumes among its mounts.
    public var volumes: [String] { (try? record.texts("volumes")) ?? [] }

    /// The names of its networks.
    public var networks: [String] { (try? record.value("network", as: ContainerNetwork.self))?.names ?? [] }

    /// Where its ports are reachable through the machine, and those that it says it serves; none while it does not run.
    public var ports: (bound: [BoundPort], exposed: [ExposedPort]) {
        guard state.isFilled("endpoints") else { return ([], []) }
        let endpoints = ((try? state.objects("endpoints")) ?? []).filter { $0.isFilled("ports") }
        return (
            endpoints.flatMap { (try? $0.value("ports", as: [BoundPort].self)) ?? [] },
            record.isFilled("exposedPorts") ? (try? record.value("exposedPorts")) ?? [] : []
        )
    }

    /// The directory of the container.
    public var directory: FilePath { store.directory(id) }

    /// How many bytes the container has written, as they take up the disk, and how many its image's files have.
    ///
    /// What is not readable counts nothing.
    public var size: (written: Int64, image: Int64) { (try? store.container(id))?.size ?? (0, 0) }
}
