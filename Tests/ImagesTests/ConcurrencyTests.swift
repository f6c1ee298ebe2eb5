import ContentStore
import FileSystem
import Layers
import OCI
import SystemPackage
import Testing

@testable import Images

@Suite struct ConcurrencyTests {
    @Test("adding, tagging, listing, removing and pruning at once leaves a store that is right")
    func everythingAtOnce() async throws {
        let directory = FilePath("/var/tmp/swiftbuild-concurrent-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileOperations.removeTree(directory) }
        let fixture = Fixture(directory: directory, images: try Fixture.newStore(directory))
        let steady = try fixture.simple("steady", names: ["steady"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    // A store of its own each, as another process has.
                    let own = Fixture(directory: directory, images: try Fixture.newStore(directory))
                    for round in 0..<30 {
                        // Content without a name is held by the store's lock, as during a build.
                        let lock = try own.images.store.lock(.shared)
                        let image = try own.simple("\(round % 7)", names: ["worker-\(worker)", "shared"])
                        try? own.images.tag(image, as: name("other-\(round % 3)"))
                        try validate(image, in: own.images)
                        withExtendedLifetime(lock) {}
                    }
                }
            }
            group.addTask {
                let own = try Fixture.newStore(directory)
                for _ in 0..<30 {
                    _ = try own.prune(danglingImages: true)
                    _ = try own.list()
                    _ = try? own.remove("shared")
                    #expect(try own.find("steady") == steady)
                }
            }
            try await group.waitForAll()
        }
        _ = try fixture.images.prune(danglingImages: true)
        for listed in try fixture.images.list() { try validate(listed.image, in: fixture.images) }
        let before = try FileOperations.read(directory.appending("index.json"))
        try LayoutIndex(fixture.images).rebuild()
        #expect(try FileOperations.read(directory.appending("index.json")) == before)
        #expect(try FileOperations.names(in: fixture.images.store[.temporary]).isEmpty)
    }
}
