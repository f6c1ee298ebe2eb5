import ContentStore
import FileSystem
import Layers
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Images

@Suite struct ConcurrencyTests {
    @Test("adding, tagging, listing, removing and pruning at once leaves a store that is right")
    func everythingAtOnce() async throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let directory = scratch.path
        let fixture = try StoreFixture(directory)
        let steady = try fixture.simple("steady", names: ["steady"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    // A store of its own each, as another process has.
                    let own = try StoreFixture(directory)
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
                let own = try StoreFixture(directory).images
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
        let before = try FileOperations.read(directory.appending("store/index.json"))
        try LayoutIndex(fixture.images).rebuild()
        #expect(try FileOperations.read(directory.appending("store/index.json")) == before)
        #expect(try FileOperations.names(in: fixture.images.store[.temporary]).isEmpty)
    }
}
