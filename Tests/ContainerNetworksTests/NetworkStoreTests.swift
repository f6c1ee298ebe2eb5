import ContentStore
import FileSystem
import SystemPackage
import TestSupport
import Testing

@testable import ContainerNetworks

@Suite("The networks of a store", .enabled(if: World.canRun, "needs root, bridges and nf_tables"))
struct NetworkStoreTests {
    private let world: World
    private var networks: NetworkStore { world.networks }

    init() throws { world = try World() }

    @Test("have a default one, which stays")
    func defaultNetwork() throws {
        let networks = networks
        let record = try #require(try world.inMachine { try networks.list() }.first)
        #expect(record.name == "bridge")
        #expect(record.subnet == IPv4Subnet("172.17.0.0/16"))
        #expect(record.gateway == IPv4Address("172.17.0.1"))
        #expect(record.interface.utf8.count == 15)
        #expect(throws: NetworkError.predefined("bridge")) { try networks.remove("bridge") }
        #expect(throws: NetworkError.predefined("bridge")) { try networks.create("bridge") }
        #expect(throws: NetworkError.predefined("host")) { try networks.create("host") }
    }

    @Test("are created, found by name and ID, and removed")
    func life() throws {
        let made = try networks.create("shop", labels: ["a": "b"])
        #expect(try networks.find("shop").record == made)
        #expect(try networks.find(made.id.short).record == made)
        #expect(try networks.find(made.id.description).record.labels == ["a": "b"])
        #expect(throws: NetworkError.nameInUse("shop")) { try networks.create("shop") }
        #expect(throws: NetworkError.notFound("shoq")) { try networks.find("shoq") }
        #expect(throws: NetworkError.notFound("")) { try networks.find("") }
        #expect(try networks.list().map(\.name) == ["bridge", "shop"])
        #expect(try networks.remove("shop") == made)
        #expect(try networks.list().map(\.name) == ["bridge"])
    }

    @Test("have subnets that do not overlap")
    func subnets() throws {
        let networks = networks
        let all = try world.inMachine { try (0..<20).map { try networks.create("n\($0)") } }
        for (index, network) in all.enumerated() {
            #expect(!all[..<index].contains { $0.subnet.overlaps(network.subnet) })
        }
        let wanted = try #require(IPv4Subnet("172.18.5.0/24"))
        #expect(throws: NetworkError.subnetInUse(wanted, network: "n0")) { try networks.create("x", subnet: wanted) }
        let outside = try #require(IPv4Address("10.9.0.1"))
        let free = try #require(IPv4Subnet("10.8.0.0/24"))
        #expect(throws: NetworkError.invalidGateway(outside, free)) {
            try networks.create("x", subnet: free, gateway: outside)
        }
    }

    @Test("run out of default subnets with an error")
    func noSubnet() throws {
        let networks = networks
        #expect(throws: NetworkError.noFreeSubnet) {
            try world.inMachine { for index in 0..<40 { _ = try networks.create("n\(index)") } }
        }
    }

    @Test("have names of letters, digits and some signs", arguments: ["", "-a", "a b", "a/b", "ä", "..", ".a"])
    func invalidName(name: String) {
        #expect(throws: NetworkError.invalidName(name)) { try networks.create(name) }
    }

    @Test("are pruned unless something is in them, and kept in spite of damaged files")
    func prune() throws {
        _ = try networks.create("one")
        let two = try networks.create("two")
        let file = world.store[.networks].appending("\(two.id)/network.json")
        try FileOperations.writeAtomically(Array("{".utf8), to: file, temporary: world.scratch.path)
        #expect(try networks.list().map(\.name) == ["bridge", "one"])
        #expect(try networks.prune().map(\.name) == ["one"])
        #expect(try networks.list().map(\.name) == ["bridge"])
    }
}
