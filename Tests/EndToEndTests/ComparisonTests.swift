internal import SystemPackage
internal import Testing

/// Plays one case, so that the comparison cannot rot.
@Suite("The comparison with other builders")
struct ComparisonTests {
    @Test(
        "builds a case with both, sees in what they differ, and knows why",
        .enabled(
            if: Machine.canRun && Machine.has("buildah") && Machine.has("python3"),
            "needs root, buildah and python3"
        )
    )
    func oneCase() async throws {
        try await BuildFixture.with { f in
            let compare = Machine.repository.pushing("Tests/Comparison/compare").string
            let result = try await Machine.run(
                [
                    compare, "--binary", Machine.binary.string, "--peers", "buildah", "--verbose", "--only",
                    "workdir/number-is-the-group-too",
                ],
                in: f.scratch
            )
            try #require(result.status == 0, "\(result)")
            #expect(result.outputText.contains("known (buildah makes the directory of WORKDIR only when"))
            #expect(result.outputText.contains("1 comparisons of 1 cases with buildah: 0 unknown differences"))
        }
    }
}
