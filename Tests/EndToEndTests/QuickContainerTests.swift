internal import Testing

@Suite("Containers that end as soon as they begin")
struct QuickContainerTests {
    @Test(
        "are seen to end by an ordinary user with one ID",
        .enabled("no user namespaces for ordinary users here") { try await UnprivilegedPlace.singleUser.isAvailable() }
    )
    func singleUser() async throws { try await runMany(in: .singleUser) }

    @Test(
        "are seen to end by root of a default container",
        .enabled("no other root directory here") { try await UnprivilegedPlace.defaultContainer.isAvailable() }
    )
    func defaultContainer() async throws { try await runMany(in: .defaultContainer) }

    /// Several at once: the program then often ends before the process that has started it runs again.
    private func runMany(in place: UnprivilegedPlace) async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 {
                    group.addTask {
                        for _ in 0..<15 {
                            let arguments = ["run", "--rm", "base", "echo", "up"]
                            let result = try await place.run(f, arguments, limit: .seconds(30))
                            try #require(result.status == 0 && result.outputText == "up\n", "\(result)")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
