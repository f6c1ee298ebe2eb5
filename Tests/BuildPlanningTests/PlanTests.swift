import BuildPlanning
import DockerfileSyntax
import OCI
import Reporting
import Testing

private func plan(_ text: String, _ options: PlanOptions = PlanOptions()) throws -> BuildPlan {
    try BuildPlan(Dockerfile(parsing: SourceText(name: "Dockerfile", text: text)), options: options)
}

private func message(_ text: String, _ options: PlanOptions = PlanOptions()) -> String? {
    do {
        _ = try plan(text, options)
        return nil
    } catch let error as DiagnosticsError {
        return DiagnosticRenderer().render(error)
    } catch {
        return "\(error)"
    }
}

@Suite struct PlanTests {
    @Test("steps are numbered over the needed stages")
    func numbering() throws {
        let plan = try plan(
            "ARG V=3\nFROM alpine:$V AS a\nRUN 1\nFROM alpine AS unused\nRUN 2\nFROM a\nCOPY --from=A / /\nCMD x\n"
        )
        #expect(plan.stages.map(\.index) == [0, 2] && plan.stepCount == 5)
        #expect(plan.stages.map(\.stepNumber) == [1, 3] && plan.stages[1].steps.map(\.number) == [4, 5])
        #expect(
            plan.stages[0].base
                == .image(ImageSource(reference: try ImageReference(parsing: "alpine:3"), platform: .host))
        )
        #expect(plan.stages[1].base == .stage(0) && plan.stages[1].dependencies == [0])
        #expect(plan.allStages[1]?.stepNumber == 0)
    }

    @Test(
        "what --from means",
        arguments: [
            ("one", .stage(0)), ("ONE", .stage(0)), ("two", .stage(2)), ("0", .stage(0)), ("1", .stage(1)),
            ("scratch", .scratch),
        ] as [(String, ContentSource)]
    )
    func sources(from: String, expected: ContentSource) throws {
        let text =
            "FROM x AS one\nFROM x AS two\nFROM x AS Two\nFROM x\nCOPY --from=\(from) / /\nRUN --mount=from=\(from),target=/a x\n"
        let steps = try plan(text).target.steps
        #expect(steps[0].copySource == expected && steps[1].mountSources == [expected])
    }

    @Test("an image that files are taken from is listed")
    func images() throws {
        let plan = try plan("FROM scratch\nCOPY --from=busybox /bin /bin\nRUN --mount=from=alpine:3,target=/a x\n")
        #expect(plan.target.images.map(\.reference.familiar).sorted() == ["alpine:3", "busybox:latest"])
    }

    @Test(
        "what cannot be planned",
        arguments: [
            ("FROM $X\n", "the base of the stage is empty"), ("FROM a AS Build\nFROM Build\n", "lower-case"),
            ("FROM a AS x\nCOPY --from=x / /\n", "a stage cannot copy from itself"),
            ("FROM a\nCOPY --from=0 / /\n", "copy from itself"),
            ("FROM a\nCOPY --from=1 / /\n", "there is no stage 1"),
            ("FROM a AS b\nCOPY --from=c / /\nFROM b AS c\n", "comes later"),
            ("FROM a\nCOPY --from=$X / /\n", "variables are not expanded"),
            ("FROM a\nRUN --mount=from=$X,target=/a x\n", "variables are not expanded"),
            ("FROM --platform=$X a\n", "the value of --platform is empty"),
            ("FROM --platform=a/b/c/d a\n", "invalid platform"),
            ("FROM a b c\n", "FROM"), ("ARG A=${B\nFROM a\n", "missing `}`"), ("FROM A:b:c\n", "invalid image name"),
            ("FROM a AS p\nONBUILD COPY --from=1 / /\nFROM p\n", "copy from itself"),
        ]
    )
    func errors(text: String, expected: String) throws {
        let error = #expect(throws: DiagnosticsError.self) { _ = try plan(text) }
        let said = error.map { DiagnosticRenderer().render($0) } ?? ""
        #expect(said.contains(expected), "\(said)")
    }

    @Test("errors of stages that are not needed do not matter")
    func unneeded() throws {
        #expect(try plan("FROM $NOTHING AS a\nFROM scratch\n").stages.map(\.index) == [1])
    }

    @Test("an unknown target suggests the closest, a known one may be in any case")
    func target() throws {
        let text = "FROM a AS build\nFROM a AS test\nFROM a\n"
        #expect(message(text, PlanOptions(target: "biuld"))?.contains("did you mean `build`?") == true)
        #expect(message(text, PlanOptions(target: "0"))?.contains("there is no stage `0`") == true)
        #expect(try plan(text, PlanOptions(target: "TEST")).target.index == 1)
        #expect(try plan(text).target.index == 2)
    }

    @Test("arguments that nothing declares are listed")
    func unused() throws {
        let options = PlanOptions(buildArguments: [
            "A": "1", "B": "2", "C": "3", "http_proxy": "p", "TARGETARCH": "x", "BUILDKIT_X": "1",
        ])
        #expect(try plan("ARG A\nFROM x AS s\nARG C\nFROM x\nARG B\n", options).unusedBuildArguments == ["C"])
    }

    @Test("platform arguments and global defaults")
    func globals() throws {
        let target = Platform(os: "linux", architecture: "arm", variant: "v7")
        let options = PlanOptions(buildArguments: ["V": "9"], targetPlatform: target)
        let plan = try plan(
            "ARG V=1\nARG W=$V-$TARGETVARIANT\nFROM --platform=$BUILDPLATFORM x:$W AS a\nFROM a\n",
            options
        )
        #expect(plan.globalValues["W"] == "9-v7" && plan.globalValues["TARGETPLATFORM"] == "linux/arm/v7")
        #expect(plan.target.platform == .host)
    }

    @Test("triggers run once, after FROM, and reach stages of the triggering file")
    func triggers() throws {
        let text =
            "FROM a AS lib\nFROM a AS p\nONBUILD ENV A=1\nONBUILD COPY --from=lib / /\nFROM p AS q\nENV B=$A\nFROM q\n"
        let built = try plan(text)
        #expect(built.stages.map(\.index) == [0, 1, 2, 3])
        let state = try resolveAll(text).state
        #expect(state.value(of: "B") == "1" && state.configuration.config.onBuild == nil)
    }

    @Test("errors of triggers point at the FROM line")
    func triggerErrors() throws {
        let built = try plan("FROM base\n")
        for stored in ["COPY --from=0 / /", "RUNN x", "FROM x", "COPY --form=x a b"] {
            let error = #expect(throws: DiagnosticsError.self) {
                _ = try built.triggers(of: built.target, stored: [stored])
            }
            let text = DiagnosticRenderer().render(try #require(error))
            #expect(text.hasPrefix("Dockerfile:1:6: error:") && text.contains("the trigger is `\(stored)`"))
        }
        let triggers = try built.triggers(of: built.target, stored: ["ENV A=${NOTHING:?missing}"])
        var state = StageState(stage: built.target, plan: built, base: nil)
        let error = #expect(throws: DiagnosticsError.self) { _ = try state.resolve(triggers.steps[0]) }
        #expect(error?.source.name == "Dockerfile")
    }

    @Test("a stage inherits the arguments of the stage it starts from")
    func inheritance() throws {
        let text = "FROM scratch AS a\nARG X=1\nSHELL [\"s\"]\nLABEL l=1\nFROM a\nENV Y=$X\n"
        let state = try resolveAll(text).state
        #expect(state.value(of: "Y") == "1" && state.shell == ["s"] && state.configuration.config.labels == ["l": "1"])
        #expect(state.configuration.config.workingDir == "/")
    }

    @Test("a base's PATH is kept, a missing one is added")
    func path() throws {
        var base = ImageConfiguration(platform: .host)
        base.config.env = ["A=1"]
        #expect(
            try resolveAll("FROM x\n", base: base).state.configuration.config.env == [
                "A=1", "PATH=\(ImageConfiguration.defaultPath)",
            ]
        )
        base.config.env = ["PATH=/x"]
        #expect(try resolveAll("FROM x\n", base: base).state.configuration.config.env == ["PATH=/x"])
    }
}
