import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import Snapshots
import SystemPackage
import Tar
import TestSupport
import Testing

/// Cache directories as layers, there and back again.
@Suite("A cache that stores share", .needs(.root))
struct SharedDirectoryTests {
    private static let identity = CacheDirectoryStore.Identity(
        id: "c",
        permissions: nil,
        userID: nil,
        groupID: nil,
        seed: nil
    )
    private static let plenty: Int64 = 1 << 30

    /// Another store, which shares everything by one place.
    private struct Machine {
        let store: CacheDirectoryStore
        let scratch: LayerStore
        var files: FilePath

        /// - Parameter scratch: Has the layers that are shared.
        init(_ fixture: StoreFixture, _ name: String, scratch: LayerStore) throws {
            let layers = LayerStore(try Store(root: fixture.path(name)))
            (store, self.scratch) = (CacheDirectoryStore(layers), scratch)
            files = fixture.path(name)
        }

        /// Makes the cache, of layers where there are any.
        mutating func open(_ layers: [Layer]? = nil) throws {
            if let layers { try store.restore(identity, layers, from: scratch) }
            files = try Machine.soon { try store.tryOpen(identity, .shared, seed: nil) }.files
        }

        func share(isWhole: Bool = false) throws -> [Layer] {
            let contents = try Machine.soon {
                try store.contents(identity, limit: plenty, isWhole: isWhole, to: scratch)
            }
            try store.remember(contents, of: identity)
            return contents.layers
        }

        /// A process that another test has just forked may have a lock for an instant.
        private static func soon<Result>(_ attempt: () throws -> Result?) throws -> Result {
            for _ in 0..<500 {
                if let result = try attempt() { return result }
                usleep(10_000)
            }
            return try #require(try attempt())
        }

        var tree: [String] { get throws { try TreeListing(files).lines } }
    }

    private func run(_ directory: FilePath, _ script: String) throws {
        let result = try shell("cd '\(directory)' && set -e; \(script)")
        try #require(result.status == 0, "\(result)")
    }

    @Test("is the same on the other side after every kind of change, each of which is one small layer")
    func changes() throws {
        try StoreFixture.with { fixture in
            var first = try Machine(fixture, "first", scratch: fixture.layers)
            try first.open()
            let changes = [
                """
                mkdir -p a/b/c e; echo 1 >a/1; echo 2 >a/b/2; ln a/1 a/one; ln -s ../x a/b/l; mkfifo p; echo old >same
                chmod 4751 a/1; chown 5:6 a/b; touch -h -d @1400000000 a/b/l; head -c 300000 /dev/zero >big; chmod 700 .
                """,
                // In place, with the size and the time that it had.
                "touch -r same ref; echo new >same; touch -r ref same; rm ref",
                "echo more >>a/one; rm -r a/b; echo file >a/b",
                "rm -r e; mkdir e2; ln a/1 e2/third; mv a/one first-name",
                "rm a/1; echo other >a/1; rm a/b; mkdir -p a/b/deep; echo x >a/b/deep/x",
                "chmod 711 a; chown 9:9 p; touch -d @1300000000 big",
                "rm -rf -- * && echo alone >f; chmod 755 .",
            ]
            var layers: [Layer] = []
            for (number, change) in changes.enumerated() {
                try run(first.files, change)
                let shared = try first.share()
                #expect(shared.count == layers.count + 1 && Array(shared.dropLast()) == layers, "\(change)")
                layers = shared
                var other = try Machine(fixture, "other\(number)", scratch: fixture.layers)
                try other.open(layers)
                #expect(try other.tree == first.tree, "\(change)")
                // Neither of them has anything to add.
                #expect(try other.share() == layers)
                #expect(try first.share() == layers)
            }
            // The large file went along once.
            #expect(layers.dropFirst(6).allSatisfy { $0.blob.size < 10_000 })
            let whole = try first.share(isWhole: true)
            #expect(whole.count == 1 && whole[0].blob.size < 4096)
        }
    }

    @Test("goes on where it was brought, as the first had it")
    func continued() throws {
        try StoreFixture.with { fixture in
            var first = try Machine(fixture, "first", scratch: fixture.layers)
            try first.open()
            try run(first.files, "mkdir d; echo 1 >d/1; ln d/1 d/2")
            var second = try Machine(fixture, "second", scratch: fixture.layers)
            try second.open(try first.share())
            try run(second.files, "echo 3 >d/3; rm d/1")
            let layers = try second.share()
            #expect(layers.count == 2)
            var third = try Machine(fixture, "third", scratch: fixture.layers)
            try third.open(layers)
            #expect(try third.tree == second.tree)
        }
    }

    @Test("is written anew when it is many layers, or they hold mostly what was replaced")
    func compacted() throws {
        try StoreFixture.with { fixture in
            var machine = try Machine(fixture, "first", scratch: fixture.layers)
            try machine.open()
            var counts: [Int] = []
            for number in 0..<14 {
                try run(machine.files, "echo \(number) >f")
                counts.append(try machine.share().count)
            }
            #expect(counts == Array(1...12) + [1, 2])
            try run(machine.files, "head -c 3000000 /dev/urandom >big")
            #expect(try machine.share().count == 3)
            try run(machine.files, "rm big; echo x >f")
            #expect(try machine.share().count == 1)
        }
    }

    @Test("is shared whole again where what was remembered is lost, damaged or of another one")
    func forgotten() throws {
        try StoreFixture.with { fixture in
            var machine = try Machine(fixture, "first", scratch: fixture.layers)
            try machine.open()
            try run(machine.files, "echo x >f")
            _ = try machine.share()
            try run(machine.files, "echo y >g")
            #expect(try machine.share().count == 2)
            for name in ["shared", "shared-index"] {
                let path = machine.files.removingLastComponent().appending(name)
                let bytes = try FileOperations.read(path)
                for damaged in [[], Array(bytes.dropLast()), bytes.map { $0 ^ 1 }, bytes + [10]] {
                    try FileOperations.writeAtomically(damaged, to: path, temporary: fixture.directory)
                    let contents = try machine.store.contents(
                        Self.identity,
                        limit: Self.plenty,
                        isWhole: false,
                        to: fixture.layers
                    )
                    #expect(contents?.layers.count == 1)
                }
                try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
                #expect(try machine.share().count == 2)
            }
        }
    }

    @Test("stays when it is too large, in use, or not there")
    func refused() throws {
        try StoreFixture.with { fixture in
            var machine = try Machine(fixture, "first", scratch: fixture.layers)
            let none = try machine.store.contents(Self.identity, limit: 1, isWhole: false, to: fixture.layers)
            #expect(none == nil)
            try machine.open()
            try run(machine.files, "head -c 5000 /dev/zero >f")
            #expect(throws: CacheDirectoryStore.TooLarge.self) {
                try machine.store.contents(Self.identity, limit: 5000, isWhole: false, to: fixture.layers)
            }
            let user = try machine.store.tryOpen(Self.identity, .shared, seed: nil)
            let used = try machine.store.contents(Self.identity, limit: 50_000, isWhole: false, to: fixture.layers)
            #expect(user != nil && used == nil)
        }
    }

    @Test("writes nothing outside, makes no device and takes no other's place, whatever the layers say")
    func hostile() throws {
        try StoreFixture.with { fixture in
            var machine = try Machine(fixture, "first", scratch: fixture.layers)
            try FileOperations.createRoot(fixture.path("outside"))
            for name in ["../outside/f", "/outside/f", "a/../../outside/f"] {
                let layer = try fixture.layer(tar: Tar.file(name) + Tar.end)
                try? machine.store.restore(Self.identity, [layer], from: fixture.layers)
                #expect(try FileOperations.names(in: fixture.path("outside")).isEmpty, "\(name)")
                try? FileOperations.removeTree(fixture.path("first/mounts-v1"))
                try FileOperations.createRoot(fixture.path("first/mounts-v1"))
            }
            let link = try fixture.layer(symbolicLink("l", to: "\(fixture.path("outside"))"))
            let below = try fixture.layer(tar: Tar.file("l/f") + Tar.end)
            var device = LayerEntry(path: PathInRoot("disk"), kind: .blockDevice, permissions: 0o666)
            device.deviceMajor = 8
            let layers = [link, below, try fixture.layer(device, file("good"))]
            try machine.open(layers)
            #expect(try FileOperations.names(in: fixture.path("outside")).isEmpty)
            #expect(FileStatus.ifPresent(machine.files.appending("disk")) == nil)
            #expect(FileStatus.ifPresent(machine.files.appending("good")) != nil)
            // What is here already stays as it is.
            try machine.store.restore(Self.identity, [try fixture.layer(file("other"))], from: fixture.layers)
            #expect(FileStatus.ifPresent(machine.files.appending("other")) == nil)
        }
    }
}
