import FileSystem
import Glibc
import Testing

@testable import ContainerNetworks

@Suite("Networks of containers", .enabled(if: World.canRun, "needs root, bridges and nf_tables"))
struct ContainerNetworkingTests {
    private let world: World

    init() throws { world = try World() }

    /// The first IPv4 address that a name server inside a container gives for a name, or its answer's code.
    private func look(
        _ name: String,
        from live: LiveNetworks,
        type: UInt8 = 1,
        over transport: Transport = .udp
    ) throws -> String? {
        let query = nameQuery(name, type: type)
        let message = transport == .tcp ? [0, UInt8(query.count)] + query : query
        return try live.namespace.run { () throws(SystemError) in Peer.ask(transport, "127.0.0.11", 53, message) }
            .map { whole in
                let answer = transport == .tcp ? Array(whole.dropFirst(2)) : whole
                if answer[3] & 0xF != 0 { return "code \(answer[3] & 0xF)" }
                if answer[7] == 0 { return "nothing" }
                let data = answer[(query.count + 12)...]
                return type == 1 ? data.map(String.init).joined(separator: ".") : String(decoding: data, as: UTF8.self)
            }
    }

    @Test("let two containers of one network talk, by names that a user's network has")
    func names() throws {
        _ = try world.networks.create("shop")
        let database = try world.start("db", [NetworkAttachment("shop", aliases: ["postgres", "store"])])
        let web = try world.start("web", [NetworkAttachment("shop")])
        let address = try #require(database.endpoints.first).address.description
        for name in [
            "db", "DB", "postgres", "store", "db.shop", try #require(database.endpoints.first).container.short,
        ] {
            #expect(try look(name, from: web) == address)
        }
        #expect(try look("db", from: web, over: .tcp) == address)
        #expect(try look("db", from: web, type: 28) == "nothing")
        #expect(try look("web", from: web) == web.endpoints.first?.address.description)
        let reverse = address.split(separator: ".").reversed().joined(separator: ".") + ".in-addr.arpa"
        #expect(try look(reverse, from: web, type: 12)?.contains("\u{2}db\u{4}shop") == true)
        #expect(web.resolverFile.hasPrefix("nameserver 127.0.0.11\n"))
        #expect(web.gateway == (try world.networks.find("shop")).record.gateway)

        let server = try Peer.Server(.tcp, port: 5432, in: database.namespace)
        #expect(
            try Peer.ask(from: web.namespace, address, 5432) == "\(try #require(web.endpoints.first).address) hello"
        )
        server.stop()
        try world.stop(database)
        #expect(try look("db", from: web) != address)
        try world.stop(web)
        let left = try world.interfaces()
        #expect(left.isEmpty)
    }

    @Test("leave port 53 to the container, and answer what is malformed or not at all")
    func malformedNames() throws {
        let one = try world.start("one")
        let own = try Peer.Server(.udp, port: 53, in: one.namespace)
        #expect(try Peer.ask(.udp, from: one.namespace, "127.0.0.1", 53) == "127.0.0.1 hello")
        own.stop()
        let malformed: [[UInt8]] = [[], [1], [UInt8](repeating: 255, count: 4000), nameQuery("a").dropLast(3)]
        for bytes in malformed {
            try one.namespace.run { () throws(SystemError) in
                let socket = try Socket.connecting(.udp, to: SocketAddress(.v4(NameServer.address), 53))
                socket.send(bytes[...])
            }
        }
        #expect(try look("one", from: one) == "code 2", "the default network has no names, this machine no resolver")
        try world.stop(one)
    }

    @Test("pass other names on to the resolvers, the next one when one is silent")
    func forwarding() throws {
        let outside = try world.neighbour()
        let resolver = try Peer.Server(.udp, port: 53, in: outside)
        let streams = try Peer.Server(.tcp, port: 53, in: outside)
        var settings = ResolverConfiguration()
        // A port at which nothing listens, then the one that does.
        settings.servers = ["192.0.2.1", "192.0.2.2"].compactMap { IPAddress($0) }
        let one = try world.start("one", resolver: settings)
        // The server's answer starts with the client's address: not a name server's, so that it is not passed on.
        let answer = try one.namespace.run { () throws(SystemError) in
            Peer.ask(.udp, "127.0.0.11", 53, nameQuery("example.org", id: Array("19".utf8)))
        }
        #expect(answer.map { String(decoding: $0.prefix(10), as: UTF8.self) } == "192.0.2.1 ")
        settings.servers = ["192.0.2.2"].compactMap { IPAddress($0) }
        let two = try world.start("two", resolver: settings)
        let query = nameQuery("example.org")
        let stream = try two.namespace.run { () throws(SystemError) in
            Peer.ask(.tcp, "127.0.0.11", 53, [0, UInt8(query.count)] + query)
        }
        #expect(stream.map { String(decoding: $0.prefix(10), as: UTF8.self) } == "192.0.2.1 ")
        for live in [one, two] { try world.stop(live) }
        resolver.stop()
        streams.stop()
    }

    @Test("publish ports on all of the machine's addresses, and show the client's own")
    func published() throws {
        let outside = try world.neighbour()
        let web = try world.start("web", ports: ["8080:80", "127.0.0.1:9000:80", "5353:53/udp", "80"])
        let server = try Peer.Server(.tcp, port: 80, in: web.namespace)
        let datagrams = try Peer.Server(.udp, port: 53, in: web.namespace)
        let gateway = try world.networks.find("bridge").record.gateway.description

        #expect(try Peer.ask(from: outside, "192.0.2.1", 8080) == "192.0.2.2 hello")
        #expect(try Peer.ask(.udp, from: outside, "192.0.2.1", 5353) == "192.0.2.2 hello")
        #expect(try Peer.ask(from: outside, "192.0.2.1", 9000) == nil, "it is published on a loopback address only")
        #expect(try Peer.ask(from: world.machine, "127.0.0.1", 8080) == "\(gateway) hello")
        #expect(try Peer.ask(from: world.machine, "::1", 8080) == "\(gateway) hello")
        #expect(try Peer.ask(from: world.machine, "127.0.0.1", 9000) == "\(gateway) hello")
        #expect(try Peer.ask(from: world.machine, "192.0.2.1", 8080) == "192.0.2.1 hello")
        #expect(try Peer.ask(from: world.machine, gateway, 8080) == "\(gateway) hello")
        #expect(try Peer.ask(.udp, from: world.machine, "127.0.0.1", 5353) == "\(gateway) hello")
        let own = try Peer.ask(from: web.namespace, gateway, 8080)
        #expect(own == "\(gateway) hello")
        let random = try #require(web.ports.first { $0.containerPort == 80 && ![8080, 9000].contains($0.hostPort) })
        #expect(try Peer.ask(from: world.machine, "127.0.0.1", random.hostPort) == "\(gateway) hello")

        server.stop()
        datagrams.stop()
        try world.stop(web)
        #expect(try Peer.ask(from: outside, "192.0.2.1", 8080) == nil)
    }

    @Test("relay much in both directions, and each side's end")
    func relay() throws {
        let web = try world.start("web", ports: ["8080:80"])
        let server = try Peer.Server(.tcp, port: 80, in: web.namespace)
        let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let answer = try world.inMachine { Peer.ask(.tcp, "127.0.0.1", 8080, bytes) }
        #expect(answer?.suffix(bytes.count) == bytes[...])
        server.stop()
        // Nothing listens any more: the connection ends.
        #expect(try Peer.ask(from: world.machine, "127.0.0.1", 8080) == nil)
        try world.stop(web)
    }

    @Test("refuse a port that is in use, and take the next one of a range")
    func portInUse() throws {
        let one = try world.start("one", ports: ["8080:80"])
        let taken = try PublishedPort.parse("8080:80")[0]
        #expect(throws: NetworkError.portInUse(taken, container: "one")) { try world.start("two", ports: ["8080:80"]) }
        #expect(
            "\(NetworkError.portInUse(taken, container: "one"))"
                == "port 8080/tcp is already in use by container `one`"
        )
        let two = try world.start("two", ports: ["8080-8081:80"])
        #expect(Set(two.ports.map(\.hostPort)) == [8081])
        #expect(Set(two.ports.map(\.hostAddress)) == [.any4, .any6])
        for live in [one, two] { try world.stop(live) }
        let again = try world.start("one", ports: ["8080:80"])
        try world.stop(again)
    }

    @Test("do not see each other, but may go out, unless they are internal")
    func isolation() throws {
        let outside = try world.neighbour()
        let networks = world.networks
        try world.inMachine {
            _ = try networks.create("a")
            _ = try networks.create("b")
            _ = try networks.create("c", isInternal: true)
        }
        let lives = try ["a", "b", "c"].map { try world.start("in-\($0)", [NetworkAttachment($0)]) }
        let addresses = try lives.map { try #require($0.endpoints.first).address.description }
        let servers = try (lives.map(\.namespace) + [outside]).map { try Peer.Server(.tcp, port: 80, in: $0) }
        for (index, live) in lives.enumerated() {
            for (other, address) in addresses.enumerated() where other != index {
                #expect(try Peer.ask(from: live.namespace, address, 80) == nil)
            }
            let answer = try Peer.ask(from: live.namespace, "192.0.2.2", 80)
            #expect(answer == (index == 2 ? nil : "192.0.2.1 hello"))
            #expect(try Peer.ask(from: world.machine, addresses[index], 80) != nil)
        }
        #expect(try Peer.ask(from: outside, addresses[0], 80) == nil, "nothing was published")
        #expect(try look("example.org", from: lives[2]) == "code 3")
        #expect(throws: NetworkError.onlyInternal) {
            try world.start("x", [NetworkAttachment("c")], ports: ["8080:80"])
        }
        servers.forEach { $0.stop() }
        for live in lives { try world.stop(live) }
    }

    @Test("can be joined and left while a container runs, with its ports and its way out")
    func connecting() throws {
        let outside = try world.neighbour()
        let networks = world.networks
        try world.inMachine {
            _ = try networks.create("a")
            _ = try networks.create("b")
        }
        let web = try world.start("web", [NetworkAttachment("a")], ports: ["8080:80"])
        let server = try Peer.Server(.tcp, port: 80, in: web.namespace)
        let other = try Peer.Server(.tcp, port: 80, in: outside)
        try world.inMachine { try web.connect(NetworkAttachment("b", aliases: ["www"])) }
        #expect(web.endpoints.map(\.interface) == ["eth0", "eth1"])
        #expect(throws: NetworkError.alreadyConnected(container: "web", network: "b")) {
            try world.inMachine { try web.connect(NetworkAttachment("b")) }
        }
        let client = try world.start("client", [NetworkAttachment("b")])
        #expect(try look("www", from: client) == web.endpoints[1].address.description)
        do throws(NetworkError) {
            _ = try networks.remove("b")
            Issue.record("a network in use was removed")
        } catch {
            #expect(["web", "client"].allSatisfy("\(error)".contains))
        }
        try world.inMachine { try web.disconnect("a") }
        #expect(web.endpoints.map(\.interface) == ["eth1"])
        #expect(try networks.remove("a").name == "a")
        #expect(try Peer.ask(from: outside, "192.0.2.1", 8080) == "192.0.2.2 hello")
        #expect(try Peer.ask(from: world.machine, "127.0.0.1", 8080)?.hasSuffix(" hello") == true)
        #expect(try Peer.ask(from: web.namespace, "192.0.2.2", 80) == "192.0.2.1 hello")
        try world.inMachine { try web.disconnect("b") }
        #expect(throws: NetworkError.notConnected(container: "web", network: "b")) {
            try world.inMachine { try web.disconnect("b") }
        }
        #expect(try Peer.ask(from: world.machine, "127.0.0.1", 8080) == nil)
        server.stop()
        other.stop()
        for live in [web, client] { try world.stop(live) }
    }

    @Test("keep nothing of a network to which a running container could not be connected")
    func failedConnection() throws {
        let networks = world.networks
        _ = try world.inMachine { try networks.create("a") }
        let web = try world.start("web")
        // The name of the next interface is taken.
        let bridge = try networks.find("bridge").record
        let blocker = NetworkEndpoint(
            network: bridge.id,
            networkName: bridge.name,
            container: .random(),
            containerName: "x",
            aliases: [],
            address: bridge.gateway,
            prefixLength: bridge.subnet.prefixLength,
            gateway: bridge.gateway,
            interface: "eth1"
        )
        try world.inMachine { try Links.makePair(blocker, bridge: bridge.interface, namespace: web.namespace) }
        #expect(throws: NetworkError.self) { try world.inMachine { try web.connect(NetworkAttachment("a")) } }
        #expect(try networks.find("a").endpoints.isEmpty)
        try world.inMachine { try Links.remove(blocker.hostInterface) }
        try world.inMachine { try web.connect(NetworkAttachment("a")) }
        try world.stop(web)
        #expect(try world.interfaces().isEmpty)
    }

    @Test("give addresses that are free, or the one that is asked for")
    func addresses() throws {
        _ = try world.networks.create("small", subnet: IPv4Subnet("10.7.0.0/29"))
        func start(_ name: String, _ address: String? = nil) throws -> LiveNetworks {
            let attachment = NetworkAttachment("small", address: address.flatMap { IPv4Address($0) })
            return try world.start(name, [attachment])
        }
        var lives = [try start("fixed", "10.7.0.3")]
        for name in ["a", "b", "c", "d"] { lives.append(try start(name)) }
        #expect(
            lives.map { "\($0.endpoints[0].address)" } == ["10.7.0.3", "10.7.0.2", "10.7.0.4", "10.7.0.5", "10.7.0.6"]
        )
        let subnet = try #require(IPv4Subnet("10.7.0.0/29"))
        #expect(throws: NetworkError.noFreeAddress(network: "small", subnet)) { try start("e") }
        for (text, error) in try [
            ("10.7.0.3", NetworkError.addressInUse(#require(IPv4Address("10.7.0.3")), container: "fixed")),
            ("10.7.0.1", .addressOutside(#require(IPv4Address("10.7.0.1")), network: "small", subnet)),
            ("10.7.0.7", .addressOutside(#require(IPv4Address("10.7.0.7")), network: "small", subnet)),
            ("10.8.0.2", .addressOutside(#require(IPv4Address("10.8.0.2")), network: "small", subnet)),
        ] {
            #expect(throws: error) { try start("e", text) }
        }
        for live in lives { try world.stop(live) }
        let left = try world.interfaces()
        #expect(left.isEmpty)
    }

    @Test("leave nothing of a container whose supervisor was killed")
    func killed() throws {
        let one = try world.start("one", ports: ["8080:80"])
        let two = try world.start("two")
        #expect(try world.interfaces().count == 3)
        world.kill(one)
        let networks = world.networks
        #expect(try world.inMachine { try networks.find("bridge") }.endpoints.map(\.containerName) == ["two"])
        #expect(try world.interfaces().count == 2)
        world.kill(two)
        try world.inMachine { try networks.clean() }
        #expect(try world.interfaces().isEmpty)
        #expect(try rules() == "")
        // A supervisor of the same container that finds what an earlier one has left.
        let id = ObjectID.random()
        let first = try world.start("three", id: id)
        let second = try world.start("three", id: id)
        #expect(second.endpoints.map(\.address) == first.endpoints.map(\.address))
        try world.stop(second)
        #expect(try world.interfaces().isEmpty)
    }

    @Test("move to another subnet when the machine has got a route to theirs")
    func movedSubnet() throws {
        let (networks, store) = (world.networks, world.store)
        let before = try world.inMachine { try networks.find("bridge") }.record
        let other = NetworkStore(store) { _ in true }
        let taken = try world.inMachine {
            let foreign = try other.create("foreign", subnet: IPv4Subnet("10.0.0.0/8"))
            var record = foreign
            record.subnet = before.subnet
            record.gateway = before.gateway
            try Links.makeBridge(record)
            return record
        }
        let one = try world.start("one")
        #expect(!taken.subnet.contains(try #require(one.endpoints.first).address))
        try world.stop(one)
    }

    /// What nft shows of the machine's rules, where it is installed.
    private func rules() throws -> String {
        try world.inMachine {
            guard let output = popen("PATH=$PATH:/usr/sbin nft list ruleset 2>/dev/null", "r") else { return "" }
            defer { pclose(output) }
            var text = ""
            var buffer = [CChar](repeating: 0, count: 4096)
            while fgets(&buffer, 4096, output) != nil {
                text += String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            return text
        }
    }

    @Test("have rules that nft reads as they are meant")
    func readableRules() throws {
        let one = try world.start("one", ports: ["127.0.0.1:8000:80", "8080:80"])
        let text = try rules()
        if !text.isEmpty {
            let bridge = try world.networks.find("bridge").record.interface
            let expected = [
                "tcp dport 8080 dnat to 172.17.0.2:80",
                "fib daddr type local ip daddr != 127.0.0.0/8 jump published",
                "ip saddr 172.17.0.0/16 oifname != \"\(bridge)\" masquerade",
                "ip saddr 172.17.0.0/16 oifname \"\(bridge)\" ct status dnat masquerade",
                "ct state established,related accept",
                "ct status dnat accept",
                "oifname \"\(bridge)\" iifname != \"\(bridge)\" drop",
                "type nat hook prerouting priority dstnat; policy accept;",
                "type filter hook forward priority filter; policy accept;",
            ]
            for line in expected { #expect(text.contains(line), "\(line) in\n\(text)") }
            #expect(!text.contains("dport 8000"))
        }
        try world.stop(one)
    }

    @Test("start for many containers at once")
    func concurrency() async throws {
        let names = try await withThrowingTaskGroup(of: LiveNetworks.self) { group in
            for index in 0..<20 { group.addTask { [world] in try world.start("c\(index)") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(names.map { $0.endpoints[0].address }).count == 20)
        for live in names { try world.stop(live) }
        let left = try world.interfaces()
        #expect(left.isEmpty)
    }

    @Test("are made quickly")
    func speed() throws {
        let lives = try (0..<20).map { index in
            let start = ContinuousClock.now
            let live = try world.start("c\(index)", ports: ["80"])
            print("network of a container in \(ContinuousClock.now - start)")
            return live
        }
        let start = ContinuousClock.now
        for live in lives { try world.stop(live) }
        print("stopped in \((ContinuousClock.now - start) / 20) each")
    }
}
