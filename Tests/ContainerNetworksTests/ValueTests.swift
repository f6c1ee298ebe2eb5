import OCI
import Testing

@testable import ContainerNetworks

@Suite("Values of networks")
struct ValueTests {
    @Test("an IPv4 address is four decimal octets", arguments: ["0.0.0.0", "127.0.0.11", "255.255.255.255"])
    func validAddress(text: String) { #expect(IPv4Address(text)?.description == text) }

    @Test(
        "anything else is not an IPv4 address",
        arguments: ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", "1..2.3", "a.b.c.d"]
    )
    func invalidAddress(text: String) { #expect(IPv4Address(text) == nil) }

    @Test("a subnet clears what is behind its prefix")
    func subnet() throws {
        let subnet = try #require(IPv4Subnet("172.17.3.4/16"))
        #expect(subnet.description == "172.17.0.0/16")
        #expect(subnet.hosts.count == 65534)
        #expect(subnet.broadcast == IPv4Address("172.17.255.255"))
        #expect(try subnet.contains(#require(IPv4Address("172.17.255.1"))))
        #expect(try !subnet.contains(#require(IPv4Address("172.18.0.1"))))
        #expect(try subnet.overlaps(#require(IPv4Subnet("172.16.0.0/12"))))
        #expect(try !subnet.overlaps(#require(IPv4Subnet("172.18.0.0/16"))))
    }

    @Test(
        "a subnet has room for two interfaces",
        arguments: ["10.0.0.0", "10.0.0.0/0", "10.0.0.0/31", "10.0.0.0/016", "/8"]
    )
    func invalidSubnet(text: String) { #expect(IPv4Subnet(text) == nil) }

    @Test("IPv6 addresses are written in their shortest form")
    func address6() {
        #expect(IPAddress("0:0::1")?.description == "::1")
        #expect(IPAddress("::1")?.hostText == "[::1]")
        #expect(IPAddress("fe80::1%eth0") == nil)
        #expect(IPAddress.any6.description == "::")
    }

    private static func port(
        _ container: UInt16,
        _ host: ClosedRange<UInt16> = 0...0,
        on address: String? = nil,
        _ transport: Transport = .tcp
    ) -> PublishedPort {
        PublishedPort(
            hostAddress: address.flatMap { IPAddress($0) },
            hostPorts: host,
            containerPort: container,
            transport: transport
        )
    }

    @Test(
        "published ports are read in all of Docker's forms",
        arguments: [
            ("80", [port(80)]),
            ("8080:80", [port(80, 8080...8080)]),
            (":80", [port(80)]),
            ("0:80", [port(80)]),
            ("127.0.0.1:8000:8000/tcp", [port(8000, 8000...8000, on: "127.0.0.1")]),
            ("127.0.0.1::80", [port(80, on: "127.0.0.1")]),
            ("::80", [port(80)]),
            ("53:53/udp", [port(53, 53...53, .udp)]),
            ("8000-8001:9000-9001/UDP", [port(9000, 8000...8000, .udp), port(9001, 8001...8001, .udp)]),
            ("8000-8010:80", [port(80, 8000...8010)]),
            ("80-81", [port(80), port(81)]),
            ("[::1]:80:81", [port(81, 80...80, on: "::1")]),
            ("[::]::81", [port(81, on: "::")]),
        ]
    )
    func validPort(text: String, expected: [PublishedPort]) throws {
        #expect(try PublishedPort.parse(text) == expected)
    }

    @Test(
        "an invalid published port is an error that says why",
        arguments: [
            ("", "invalid container port ``: expected a number from 1 to 65535, or a range"),
            ("0", "invalid container port `0`: expected a number from 1 to 65535, or a range"),
            ("80:65536", "invalid container port `65536`: expected a number from 1 to 65535, or a range"),
            ("x:80", "invalid host port `x`: expected a number from 1 to 65535, or a range"),
            ("+1:80", "invalid host port `+1`: expected a number from 1 to 65535, or a range"),
            ("80-79", "the range `80-79` ends before it starts"),
            ("1-2-3:80", "invalid host port `1-2-3`: expected a number from 1 to 65535, or a range"),
            ("8000-8002:80-81", "the ranges have different lengths: 3 and 2 ports"),
            ("80/sctp", "unsupported protocol `sctp`: expected tcp or udp"),
            ("localhost:80:80", "invalid IP address `localhost`"),
            ("::1:80:80", "an IPv6 address needs brackets, as in [::1]:8080:80"),
            ("[::1]80", "expected `]:` after the IPv6 address"),
            ("[::1]:80", "expected a host port and a container port"),
            ("[::1:80:80", "expected `]:` after the IPv6 address"),
            ("1.2.3.4:80:81:82", "an IPv6 address needs brackets, as in [::1]:8080:80"),
        ]
    )
    func invalidPort(text: String, reason: String) {
        #expect(throws: NetworkError.invalidPort(text, reason)) { try PublishedPort.parse(text) }
    }

    @Test("a container's resolv.conf keeps the machine's domains and options")
    func resolver() {
        let machine = ResolverConfiguration(
            text:
                "# comment\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nsearch a.example b.example ; x\noptions rotate\n"
        )
        #expect(machine.servers == [IPAddress("192.0.2.53")])
        #expect(
            machine.containerFile()
                == "nameserver 127.0.0.11\nsearch a.example b.example\noptions rotate ndots:0\n"
        )
    }

    @Test("an endpoint is the same after it was written and read")
    func endpoint() throws {
        let endpoint = NetworkEndpoint(
            network: .random(),
            networkName: "shop",
            container: .random(),
            containerName: "web",
            aliases: ["www"],
            address: try #require(IPv4Address("172.17.0.2")),
            prefixLength: 16,
            gateway: try #require(IPv4Address("172.17.0.1")),
            interface: "eth0",
            ports: [BoundPort(hostAddress: .any6, hostPort: 8080, containerPort: 80, transport: .tcp)]
        )
        #expect(endpoint.macAddress == "02:42:ac:11:00:02")
        #expect(endpoint.hostInterface.utf8.count == 15)
        #expect(try CanonicalJSON.decode(NetworkEndpoint.self, from: CanonicalJSON.encode(endpoint)) == endpoint)
    }
}
