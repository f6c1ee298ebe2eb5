internal import SystemPackage
internal import Testing

/// Tests that move images between stores and a registry of their own.
protocol RegistryTesting {}

extension RegistryTesting {
    /// Builds an image of two layers and pushes it.
    @discardableResult
    func push(_ f: BuildFixture, to registry: RegistryServer, _ flags: String..., name: String = "team/app")
        async throws -> BuiltImage
    {
        try f.write("a", "one")
        try f.write("b", bytes: Array(repeating: 7, count: 300_000))
        let reference = "\(registry.host)/\(name):1"
        let image = try await f.build("FROM scratch\nCOPY a /a\nCOPY b /b\nENV K=v\nCMD [\"/a\"]", "-t", reference)
        _ = try await f.start(["push"] + flags + [reference]).wait().requireSuccess()
        return image
    }

    /// The same in a store that has nothing.
    func pull(
        _ f: BuildFixture,
        _ reference: String,
        _ arguments: String...,
        store: String = "other",
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await f.start(
            ["pull", "--root", f.scratch.appending(store).string] + arguments + [reference],
            environment: environment
        ).wait()
    }

    /// The IDs of the images in another store.
    func images(_ f: BuildFixture, in store: String) async throws -> [String] {
        let listed = try await f.succeed("images", "-q", "--no-trunc", "--root", f.scratch.appending(store).string)
        return listed.outputText.split(separator: "\n").map(String.init)
    }
}
