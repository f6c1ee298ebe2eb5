internal import Foundation
internal import SystemPackage
internal import Testing

/// Layers that are larger than the memory that moving them may take.
@Suite("Large transfers", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct LargeTransferTests: RegistryTesting {
    /// In KiB; the binary of the tests brings shared libraries that the released one does not have.
    private static let limit = 100 << 10

    @Test("a layer of 300 MB, half of it compressible, comes and goes in little memory, and goes once")
    func memory() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let halves = "{ head -c 150000000 /dev/urandom; yes 'a line of text' | head -c 150000000; } > data"
                _ = try await Machine.run(["sh", "-c", halves], in: f.context).requireSuccess()
                // The registry itself: the proxy is slower than anything here.
                let reference = "127.0.0.1:\(registry.port)/large:1"
                let image = try await f.build("FROM scratch\nCOPY data /data", "-t", reference)
                let pushed = try await f.peakMemory(["push", reference])
                #expect(pushed < Self.limit)
                #expect(try await f.succeed("push", reference).errors.contains("Layer already exists"))
                let pulled = try await f.peakMemory(["pull", "--root", "\(f.scratch)/other", reference])
                #expect(pulled < Self.limit)
                #expect(try await images(f, in: "other") == [image.id])
            }
        }
    }
}
