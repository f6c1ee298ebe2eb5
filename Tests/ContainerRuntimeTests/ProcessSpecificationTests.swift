import ContentStore
import Glibc
import Layers
import OCI
import Sandbox
import Snapshots
import Tar
import TestSupport
import Testing

@testable import ContainerRuntime

private func specification(_ change: (inout ProcessSpecification) -> Void = { _ in }) -> ProcessSpecification {
    let identity = UserDatabase.Identity(userID: 5, groupID: 6, supplementaryGroups: [6, 8], home: "/home/app")
    var result = ProcessSpecification(
        ["sh", "-c", "true"],
        environment: ["A=1"],
        workingDirectory: "/",
        user: "app",
        identity
    )
    change(&result)
    return result
}

private let credential = ProcessSpecification.Credential(
    id: "s",
    variable: "TOKEN",
    permissions: 0o400,
    owner: SandboxUser(userID: 1, groupID: 2),
    isRequired: true
)

@Suite("The specification of a process")
struct ProcessSpecificationTests {
    private static let layer = Layer(diffID: SHA256Hasher.digest(of: [1]), tarSize: 10)

    private static let sources: [(ProcessSpecification.Mount.Source, json: String)] = [
        (.bind(path: "/tmp"), #"{"bind":{"path":"/tmp"}}"#),
        (
            .image(layers: [layer], path: "/x"),
            #"{"image":{"layers":[{"blob":{"digest":"\#(layer.diffID)","mediaType":"\#(layer.blob.mediaType.rawValue)","#
                + #""size":10},"diffID":"\#(layer.diffID)"}],"path":"/x"}}"#
        ),
        (.cache(name: "00ff"), #"{"cache":{"name":"00ff"}}"#),
        (.memory(size: 5), #"{"memory":{"size":5}}"#),
        (.memory(size: nil), #"{"memory":{}}"#),
        (
            .secret(credential),
            #"{"secret":{"_0":{"id":"s","isRequired":true,"owner":{"groupID":2,"supplementaryGroups":[],"userID":1},"#
                + #""permissions":256,"variable":"TOKEN"}}}"#
        ),
    ]

    @Test("of mounts are references, in a form that stays")
    func mounts() throws {
        for (source, json) in ProcessSpecificationTests.sources {
            #expect(String(decoding: try CanonicalJSON.encode(source), as: UTF8.self) == json)
        }
    }

    @Test("is the same after it was stored")
    func roundTrip() throws {
        let limit = try #require(ResourceLimit(.nofile, soft: 1, hard: .max))
        let host = try ExtraHost(parsing: "db:10.0.0.1")
        let profile = #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"action":"SCMP_ACT_ALLOW","names":["read"]}]}"#
        let filter = SystemCallFilter.profile(try CanonicalJSON.decode(SeccompProfile.self, from: Array(profile.utf8)))
        let changes: [(inout ProcessSpecification) -> Void] = [
            { _ in }, { $0.workingDirectory = "/w \u{0}é" }, { $0.hostname = "box" }, { $0.hosts = [host] },
            { $0.limits = [limit] }, { $0.sharedMemorySize = 1 << 20 }, { $0.network = .none },
            { $0.privileges = .all }, { $0.privileges.systemCalls = filter },
            { $0.privileges.forbidsNewPrivileges = true },
            { $0.scripts = ["EOF": "#!/bin/sh\n"] },
            { $0.usesTerminal = true },
            { $0.mounts = ProcessSpecificationTests.sources.map { .init($0.0, target: "/m", isReadOnly: true) } },
            { $0.mounts = [.init(.agent(credential), target: nil)] },
        ]
        var forms: Set<[UInt8]> = []
        for change in changes {
            let bytes = try CanonicalJSON.encode(specification(change))
            let again = try CanonicalJSON.decode(ProcessSpecification.self, from: bytes)
            #expect(try CanonicalJSON.encode(again) == bytes)
            forms.insert(bytes)
        }
        #expect(forms.count == changes.count)
    }

    @Test("with a limit whose soft value is above the hard one is not read")
    func limit() {
        let text = #"{"hard":1,"resource":"nofile","soft":2}"#
        #expect(throws: DecodingError.self) { try CanonicalJSON.decode(ResourceLimit.self, from: Array(text.utf8)) }
    }

    @Test("sets variables after all others, in the place of those with the same names")
    func variables() {
        var result = specification { $0.environment = ["A=1", "B=2", "AB=3"] }
        result.setVariables(["A=x=y", "C="])
        #expect(result.environment == ["B=2", "AB=3", "A=x=y", "C="])
        result.setVariables([])
        #expect(result.environment.count == 4)
    }
}

@Suite("A launcher")
struct ProcessLauncherTests {
    /// What a process would be started with, on an image of one layer with the file `/x`.
    private func prepared(
        _ isolation: Isolation.Kind = (.full, true),
        _ credentials: Credentials? = nil,
        _ change: (inout ProcessSpecification, Layer) -> Void
    ) throws -> PreparedProcess {
        try StoreFixture.with { fixture in
            var entry = file("x")
            (entry.userID, entry.groupID) = (geteuid(), getegid())
            let layer = try fixture.layer(entry)
            return try ProcessLauncher(SnapshotStore(fixture.layers), isolation, credentials: credentials)
                .prepare(specification { change(&$0, layer) }, on: .image(layers: [layer]))
        }
    }

    @Test("hands every setting on to the sandbox")
    func settings() throws {
        let limit = try #require(ResourceLimit(.nofile, soft: 1, hard: 2))
        let configuration = try prepared { specification, _ in
            specification.workingDirectory = "/w"
            specification.hostname = "box"
            specification.limits = [limit]
            specification.sharedMemorySize = 1 << 20
            specification.network = .none
            specification.privileges = .all
            specification.privileges.forbidsNewPrivileges = true
        }.configuration
        #expect(configuration.arguments == ["sh", "-c", "true"] && configuration.environment == ["A=1"])
        #expect(configuration.user == SandboxUser(userID: 5, groupID: 6, supplementaryGroups: [6, 8]))
        #expect(configuration.workingDirectory == "/w" && configuration.hostname == "box")
        #expect(configuration.limits == [limit] && configuration.sharedMemorySize == 1 << 20)
        #expect(configuration.network == .none && configuration.isolation == .full)
        #expect(configuration.capabilities == .all && !configuration.masksSystemPaths)
        #expect(configuration.forbidsNewPrivileges)
        guard case .unconfined = configuration.systemCalls else {
            Issue.record("the filter of system calls is not the one asked for")
            return
        }
        let usual = try prepared { _, _ in }.configuration
        #expect(usual.sharedMemorySize == 64 << 20 && usual.capabilities == .dockerDefault && usual.masksSystemPaths)
        #expect(usual.network == .host && usual.hostname == "buildkitsandbox")
    }

    @Test("mounts system files and scripts, then parents before what lies below them")
    func order() throws {
        let process = try prepared { specification, layer in
            specification.scripts = ["EOF": "#!/bin/sh\n"]
            specification.mounts = [
                .init(.memory(size: nil), target: "/a/b/c"), .init(.image(layers: [layer], path: "/x"), target: "/z/y"),
                .init(.bind(path: "/tmp"), target: "/a", isReadOnly: true), .init(.memory(size: 1), target: "/a/b"),
            ]
        }
        let mounts = process.configuration.mounts
        #expect(
            mounts.map(\.target) == [
                "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/dev/pipes/EOF", "/a", "/z/y", "/a/b", "/a/b/c",
            ]
        )
        #expect(mounts[4].isReadOnly && !mounts[5].isReadOnly)
        guard case .overlay(_, .some, .some, "/x") = mounts[5].source else {
            Issue.record("files of layers are not an overlay that can be written to")
            return
        }
    }

    @Test("copies files where no overlay can be mounted")
    func copies() throws {
        let process = try prepared((.chroot, false)) { specification, layer in
            specification.mounts = [.init(.image(layers: [layer], path: "/x"), target: "/y")]
        }
        guard case .directory = process.configuration.root,
            case .bindInside(_, "/x", false)? = process.configuration.mounts.last?.source
        else {
            Issue.record("the files are not copies")
            return
        }
    }

    @Test("gives secrets as files and variables, and goes without them where there are none any more")
    func secrets() throws {
        setenv("SWIFTBUILD_TEST_SECRET", "hidden value", 1)
        let credentials = Credentials(secrets: ["s": .variable("SWIFTBUILD_TEST_SECRET")], agents: [:])
        let mounts: [ProcessSpecification.Mount] = [
            .init(.secret(credential), target: "/run/secrets/s", isReadOnly: true),
            .init(.secret(credential), target: nil),
        ]
        let process = try prepared((.full, true), credentials) { specification, _ in
            (specification.environment, specification.mounts) = (["TOKEN=image", "A=1"], [mounts[0]])
        }
        #expect(process.configuration.environment == ["A=1", "TOKEN=hidden value"])
        guard
            case .content(Array("hidden value".utf8), 0o400, credential.owner)? = process.configuration.mounts.last?
                .source
        else {
            Issue.record("the secret is not a file")
            return
        }
        var redaction = process.redaction
        #expect(redaction.redact(Array("hidden value".utf8)) + redaction.finish() == Array("***".utf8))
        #expect(
            try !prepared((.full, true), credentials) {
                $0.mounts = [mounts[1]]; _ = $1
            }.configuration.mounts.contains { $0.target.hasPrefix("/run") }
        )
        let without = try prepared { specification, _ in specification.mounts = mounts }
        #expect(without.configuration.environment == ["A=1"])
        #expect(!without.configuration.mounts.contains { $0.target.hasPrefix("/run") })
    }

    @Test("says which mount needs what was not given")
    func missing() {
        let cases: [(ProcessSpecification.Mount.Source, ContainerError)] = [
            (.secret(credential), .mount(1, .secretNotGiven("s"))),
            (.agent(credential), .mount(1, .agentNotGiven("s"))),
        ]
        for (source, error) in cases {
            #expect(throws: error) {
                try prepared((.full, true), Credentials(secrets: [:], agents: [:])) { specification, _ in
                    specification.mounts = [.init(.memory(size: nil), target: "/a"), .init(source, target: "/b")]
                }
            }
        }
    }
}
