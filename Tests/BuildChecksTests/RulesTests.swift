import BuildChecks
import BuildContext
import BuildPlanning
import DockerfileSyntax
import OCI
import Reporting
import Testing

/// Checks a file of which no base image is known.
func check(
    _ text: String,
    _ options: PlanOptions = PlanOptions(),
    ignoring lines: String = "",
    base: ImageConfiguration? = nil
) throws -> CheckReport {
    CheckReport(
        try Dockerfile(parsing: SourceText(name: "Dockerfile", text: text)),
        options: options,
        ignoring: try IgnoreFile(parsing: SourceText(name: ".dockerignore", text: lines))
    ) { _ in base }
}

/// `Rule:line:column` of each warning.
private func places(_ report: CheckReport, _ text: String) -> [String] {
    let source = SourceText(name: "Dockerfile", text: text)
    return report.warnings.map { warning in
        let start = warning.diagnostic.range?.start ?? 0
        return "\(warning.diagnostic.rule ?? "-"):\(source.line(at: start)):\(source.column(at: start))"
    }
}

struct RuleCase: Sendable, CustomTestStringConvertible {
    let text: String
    let expected: [String]
    var testDescription: String { text }

    init(_ text: String, _ expected: String...) {
        self.text = text
        self.expected = expected
    }
}

private let cases: [RuleCase] = [
    .init("FROM scratch AS Bad\n", "StageNameCasing:1:17"), .init("FROM scratch AS good\n"),
    .init("FROM scratch as a\n", "FromAsCasing:1:14"), .init("from scratch AS a\n", "FromAsCasing:1:14"),
    .init("from scratch as a\n"),
    .init("From scratch as a\nRUN x\n", "ConsistentInstructionCasing:1:1"),
    .init("FROM a\nRUN x && \\\n\n y\n", "NoEmptyContinuation:3:1"), .init("FROM a\nRUN x && \\\n # c\n y\n"),
    .init("FROM a\nrun x\nRUN y\n", "ConsistentInstructionCasing:2:1"),
    .init("from a\nRUN x\nrun y\n", "ConsistentInstructionCasing:2:1"),
    // As many of one as of the other: upper case wins.
    .init("FROM a\nrun x\n", "ConsistentInstructionCasing:2:1"),
    .init("arg A=1\nFROM a:$A\n"),
    .init("FROM a AS b\nFROM a AS B\n", "DuplicateStageName:2:11", "StageNameCasing:2:11"),
    .init("FROM a AS scratch\nFROM a AS context\n", "ReservedStageName:1:11", "ReservedStageName:2:11"),
    .init("FROM a\nCMD x\n", "JSONArgsRecommended:2:5"), .init("FROM a\nENTRYPOINT x\n", "JSONArgsRecommended:2:12"),
    .init("FROM a\nSHELL [\"s\"]\nCMD x\n"), .init("FROM a AS b\nSHELL [\"s\"]\nFROM b\nENTRYPOINT x\n"),
    .init("FROM a\nCMD []\n"), .init("FROM a\nMAINTAINER me\n", "MaintainerDeprecated:2:1"),
    .init("ARG TAG\nFROM a:1$TGA\n", "UndefinedArgInFrom:2:6"), .init("ARG TAG\nFROM a:1$TAG\n"),
    .init("FROM --platform=$BUILDPLATFORM a\n"), .init("FROM a:${T:-1}\n", "UndefinedArgInFrom:1:6"),
    .init("FROM a\nCOPY $foo .\nARG foo=bar\n", "UndefinedVar:2:6"), .init("FROM a\nARG foo\nCOPY x$foo .\n"),
    .init("FROM a\nENV A=${B:-x} C=${D:+x}\n", "UndefinedVar:2:7", "UndefinedVar:2:17"),
    .init("FROM a\nENV A=\"x $B\" C=$B_$B\n", "UndefinedVar:2:10", "UndefinedVar:2:16", "UndefinedVar:2:19"),
    .init("FROM a AS b\nARG foo=x\nFROM b\nCOPY $foo .\n"), .init("FROM a\nENV PATH=$PATH:/x\nRUN echo $nope\n"),
    .init("FROM a\nENV A=$X$X$Y\n", "UndefinedVar:2:7", "UndefinedVar:2:11"),
    .init("FROM a\nWORKDIR app/\n", "WorkdirRelativePath:2:9"), .init("FROM a\nWORKDIR /a\nWORKDIR b\n"),
    .init("FROM a AS b\nWORKDIR /a\nFROM b\nWORKDIR c\n"), .init("FROM a\nENV D=/d\nWORKDIR $D/x\n"),
    .init("FROM a\nWORKDIR b\nWORKDIR c\n", "WorkdirRelativePath:2:9"),
    .init(
        "FROM a\nCMD [\"1\"]\nCMD [\"2\"]\nCMD [\"3\"]\n",
        "MultipleInstructionsDisallowed:2:1",
        "MultipleInstructionsDisallowed:3:1"
    ),
    .init("FROM a\nHEALTHCHECK NONE\nHEALTHCHECK NONE\n", "MultipleInstructionsDisallowed:2:1"),
    .init("FROM a AS b\nCMD [\"1\"]\nFROM b\nCMD [\"2\"]\n"),
    .init("FROM a\nENV k v\nLABEL l v\n", "LegacyKeyValueFormat:2:5", "LegacyKeyValueFormat:3:7"),
    .init("FROM --platform=$TARGETPLATFORM a\n", "RedundantTargetPlatform:1:17"),
    .init("FROM --platform=${TARGETPLATFORM} a\n", "RedundantTargetPlatform:1:17"),
    .init("FROM --platform=$TARGETOS/$TARGETARCH a\n"),
    .init(
        "FROM a\nARG SECRET_PASSPHRASE\nENV SUPER_Secret=1\n",
        "SecretsUsedInArgOrEnv:2:5",
        "SecretsUsedInArgOrEnv:3:5"
    ),
    .init("FROM a\nENV password=1 secret=2\n", "SecretsUsedInArgOrEnv:2:5", "SecretsUsedInArgOrEnv:2:16"),
    .init("FROM a\nENV keyboard=1 PUBLIC_KEY=2 key_file=3 TOKEN_VERSION=4 mykey=5\n"),
    .init("FROM a\nENV sunflower_key=1\n", "SecretsUsedInArgOrEnv:2:5"),
    .init("ARG API_KEY\nFROM a\n"),
    .init("ARG V\nFROM busybox:stable$V\n"), .init("ARG S=box:\nFROM busy${S}\n", "InvalidDefaultArgInFrom:2:6"),
    .init("FROM --platform=linux/amd64 a\n", "FromPlatformFlagConstDisallowed:1:17"),
    .init("FROM --platform=linux/amd64 a AS my_amd64\n"), .init("FROM --platform=linux/amd64 a AS linux\n"),
    .init("FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing:2:8"), .init("FROM a\nEXPOSE 80/tcp 81\n"),
    .init("FROM a\nEXPOSE 127.0.0.1:80:80 80:81\n", "ExposeInvalidFormat:2:8", "ExposeInvalidFormat:2:24"),
    .init("# bar is bar\nARG foo=1\nFROM a\n"),
    .init(
        "# check=experimental=all\n# bar is bar\nARG foo=1\nFROM a\n",
        "InvalidDefinitionDescription:2:3"
    ),
    .init("# check=experimental=InvalidDefinitionDescription\n# foo is foo\nARG foo=1\n\n# no\n#\nFROM a AS b\n"),
    .init("# check=experimental=all\n# baz is it\nARG foo=1 baz=2\n# comment\nFROM a\n"),
]

@Suite struct RulesTests {
    @Test("a rule fires where it should, and nothing else does", arguments: cases)
    func fires(row: RuleCase) throws {
        let report = try check(row.text)
        #expect(places(report, row.text) == row.expected)
    }

    @Test("what is wrong with the arguments' defaults is found whatever was given")
    func defaults() throws {
        let text = "ARG VERSION\nFROM busybox:$VERSION\n"
        let report = try check(text, PlanOptions(buildArguments: ["VERSION": "latest"]))
        #expect(places(report, text) == ["InvalidDefaultArgInFrom:2:6"] && report.errors.isEmpty)
    }

    @Test("a base image that sets a variable or a shell is respected, and one for another machine is noticed")
    func bases() throws {
        var base = ImageConfiguration(platform: Platform(os: "linux", architecture: "riscv64"))
        base.config.env = ["PYTHON_VERSION=3"]
        base.config.shell = ["/bin/bash", "-c"]
        let text = "FROM python\nARG V=$PYTHON_VERSION\nCMD x\n"
        #expect(places(try check(text, base: base), text) == ["InvalidBaseImagePlatform:1:6"])
        #expect(try check(text).warnings.first?.diagnostic.hints.first?.contains("not in the store") == true)
    }

    @Test(
        "a source that is ignored with everything below it is noticed",
        arguments: [
            ("secret\n", "COPY secret /", true), ("secret\n", "COPY ./secret/x /", true),
            ("other\n", "COPY secret /", false),
            ("secret\n!secret/keep\n", "COPY secret /", false), ("secret\n!other\n", "ADD secret /", true),
            ("*\n", "COPY . /", true), ("*\n!a\n", "COPY . /", false), ("a\n", "COPY . /", false),
            ("secret\n", "COPY --from=b secret /", false), ("x\n", "COPY <<x /\nx", false),
            ("d/*\n", "COPY d /", false),
        ]
    )
    func ignored(lines: String, instruction: String, fires: Bool) throws {
        let rules = try check("FROM scratch\n\(instruction)\n", ignoring: lines).warnings.map(\.diagnostic.rule)
        #expect(rules == (fires ? ["CopyIgnoredFile"] : []))
    }

    @Test("with a target only what it needs is checked, without one everything is")
    func stages() throws {
        let text = "FROM scratch AS first\nCOPY $foo .\nFROM scratch AS second\nCOPY $bar .\n"
        #expect(try check(text).warnings.count == 2)
        #expect(places(try check(text, PlanOptions(target: "second")), text) == ["UndefinedVar:4:6"])
        let plan = try BuildPlan(Dockerfile(parsing: SourceText(name: "Dockerfile", text: text)))
        #expect(CheckReport(plan) { _ in nil }.warnings.map(\.diagnostic.rule) == ["UndefinedVar"])
    }

    @Test("errors of all stages are reported with the warnings")
    func errors() throws {
        let text = "FROM --platform=$BULIDPLATFORM a AS A\nFROM b\nEXPOSE x\nCMD x\nFROM A\n"
        let report = try check(text)
        #expect(report.errors.map(\.message).count == 3, "\(report.errors.map(\.message))")
        #expect(
            places(report, text).contains("UndefinedArgInFrom:1:17")
                && places(report, text).contains("StageNameCasing:1:37")
        )
        #expect(try check(text, PlanOptions(target: "nope")).errors.first?.message.contains("nope") == true)
    }
}

@Suite struct CheckOptionsTests {
    private func rules(_ directive: String, _ options: PlanOptions = PlanOptions()) throws -> [String] {
        try check("# check=\(directive)\nFROM scratch as base\ncopy a .\n", options).warnings.compactMap(
            \.diagnostic.rule
        )
    }

    @Test("rules are skipped by name or all")
    func skip() throws {
        #expect(try rules("error=false") == ["FromAsCasing", "ConsistentInstructionCasing"])
        #expect(try rules("skip=all") == [])
        #expect(try rules("skip=ConsistentInstructionCasing,FromAsCasing;error=true") == [])
        #expect(try rules("skip=ConsistentInstructionCasing , FromAsCasing;error=true") == ["FromAsCasing"])
        #expect(try rules("skip=FromAsCasing since it is meant;skip=all") == ["ConsistentInstructionCasing"])
        #expect(try rules("skip=FromAsCasing") == ["ConsistentInstructionCasing"])
        #expect(try rules("skip=All") == ["FromAsCasing", "ConsistentInstructionCasing"])
    }

    @Test("the build argument replaces the directive")
    func buildArgument() throws {
        let skip = PlanOptions(buildArguments: [
            "BUILDKIT_DOCKERFILE_CHECK": "skip=ConsistentInstructionCasing;error=true"
        ])
        #expect(try rules("skip=all", skip) == ["FromAsCasing"])
        #expect(try check("FROM scratch as b\n", skip).failure?.message == "build checks failed: FromAsCasing")
        let none = PlanOptions(buildArguments: ["BUILDKIT_DOCKERFILE_CHECK": ""])
        #expect(try rules("skip=all", none).count == 2)
    }

    @Test("error=true fails where there are warnings, and only there")
    func error() throws {
        #expect(try check("# check=error=true\nFROM scratch as b\n").failure?.range == SourceRange(8, 18))
        #expect(try check("# check=error=true\nFROM scratch AS b\n").failure == nil)
        #expect(try check("# check=skip=FromAsCasing;error=true\nFROM scratch as b\n").failure == nil)
        #expect(try check("FROM scratch as b\n").failure == nil)
    }

    @Test("an experimental rule must be asked for, and can be skipped by name")
    func experimental() throws {
        func count(_ directive: String) throws -> Int {
            try check("# check=\(directive)\n# no\nARG a=1\nFROM scratch\n").warnings.count
        }
        #expect(try count("skip=X") == 0 && count("experimental=all") == 1)
        #expect(try count("skip=all;experimental=InvalidDefinitionDescription") == 1)
        #expect(try count("skip=InvalidDefinitionDescription;experimental=all") == 0)
    }

    @Test("a comment above an instruction skips a rule there, and one above FROM in FROM alone")
    func comments() throws {
        let text = """
            FROM scratch
            # check=skip=JSONArgsRecommended
            CMD x
            # check=skip=all
            FROM scratch as b
            CMD y
            FROM scratch
            CMD z
            """
        #expect(places(try check(text), text) == ["JSONArgsRecommended:6:5", "JSONArgsRecommended:8:5"])
    }

    @Test(
        "the first check among the comments counts, blank lines do not part it from the instruction, an empty comment does",
        arguments: [
            ("# check=skip=X\n\nCMD x", 0), ("# check=skip=X\n# why\n\n\nCMD x", 0), ("# check=skip=X why\nCMD x", 0),
            ("# Check = skip=X\nCMD x", 0), ("# check=skip=Y,X\nCMD x", 0), ("# check=skip=Y, X\nCMD x", 1),
            ("# check=skip=X\n#\nCMD x", 1), ("# check=skip=X\n#  \n\nCMD x", 1),
            ("# check=skip=X\nLABEL a=b\nCMD x", 1),
            ("# check=skip=Y\n# check=skip=X\nCMD x", 1), ("# check=skip\n# check=skip=X\nCMD x", 1),
            ("# check=skip=X\n# check=skip=Y\nCMD x", 0),
        ]
    )
    func commentForms(text: String, count: Int) throws {
        let text = "FROM scratch\n" + text.replacing("X", with: "JSONArgsRecommended") + "\n"
        #expect(try check(text).warnings.count == count, "\(text)")
    }

    @Test("that an instruction has no effect is silenced above the later one, and told at the first")
    func laterOne() throws {
        let skip = "# check=skip=MultipleInstructionsDisallowed\n"
        let text = "FROM scratch\n\(skip)CMD [\"a\"]\nCMD [\"b\"]\n\(skip)CMD [\"c\"]\n"
        #expect(places(try check(text), text) == ["MultipleInstructionsDisallowed:3:1"])
    }

    @Test("an error of the syntax hides nothing that stands before it, and shows nothing behind it")
    func beforeErrors() throws {
        func report(_ text: String) throws -> CheckReport {
            try CheckReport(SourceText(name: "Dockerfile", text: text), options: PlanOptions()) { _ in nil }
        }
        let text = "FROM scratch AS One\nCMD x\nRUNN y\nFROM scratch AS Two\nCOPY --from=later a b\n"
        #expect(places(try report(text), text) == ["StageNameCasing:1:17", "JSONArgsRecommended:2:5"])
        #expect(try report(text).errors.map(\.message) == ["unknown instruction `RUNN`"])
        // What is missing may stand behind the error.
        let later = "FROM scratch AS one\nCOPY --from=late /a /b\nENV A b\nRUN <<E\nx\nFROM scratch as late\n"
        #expect(places(try report(later), later) == ["LegacyKeyValueFormat:3:5"])
        #expect(throws: DiagnosticsError.self) { try report("RUNN x\nFROM scratch AS Two\n") }
        #expect(throws: DiagnosticsError.self) { try report("") }
    }

    @Test(
        "a malformed directive is an error at its place",
        arguments: [
            ("foo", "invalid check option `foo`: it has no `=`"),
            ("skip", "invalid check option `skip`: it has no `=`"),
            ("error=maybe", "the check option `error` is true or false, not `maybe`"),
            ("skp=all", "unknown check option `skp`: known are skip, error and experimental"),
        ]
    )
    func malformed(directive: String, message: String) throws {
        let report = try check("# check=\(directive)\nFROM scratch\n")
        #expect(report.errors.map(\.message) == [message] && report.errors[0].range?.start == 8)
        let argument = PlanOptions(buildArguments: ["BUILDKIT_DOCKERFILE_CHECK": directive])
        #expect(
            try check("FROM scratch\n", argument).errors.map(\.message) == ["BUILDKIT_DOCKERFILE_CHECK: " + message]
        )
    }

    @Test("the first warning says how to silence it, and no other")
    func silence() throws {
        let hints = try check("FROM scratch as B\nCMD x\n").warnings.map {
            $0.diagnostic.hints.filter { $0.contains("# check=skip=") }
        }
        #expect(hints.map(\.count) == [1, 0, 0] && hints[0][0].contains("# check=skip=FromAsCasing"))
    }
}
