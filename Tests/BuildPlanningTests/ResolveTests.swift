import BuildPlanning
import DockerfileSyntax
import OCI
import RemoteAddresses
import Reporting
import Testing

/// Plans a file and resolves all steps of the target, whose base is given.
func resolveAll(
    _ text: String,
    options: PlanOptions = PlanOptions(),
    base: ImageConfiguration? = nil
) throws -> (state: StageState, steps: [ResolvedStep]) {
    let plan = try BuildPlan(Dockerfile(parsing: SourceText(name: "Dockerfile", text: text)), options: options)
    var states: [Int: StageState] = [:]
    var resolved: [ResolvedStep] = []
    for stage in plan.stages {
        let start = StageStart(of: stage, in: plan, image: base, parent: stage.base.stage.flatMap { states[$0] })
        var state = start.state
        resolved = []
        for step in try start.triggers.steps + stage.steps {
            resolved.append(try state.resolve(step))
        }
        states[stage.index] = state
    }
    return (try #require(states[plan.target.index]), resolved)
}

private let path = "PATH=\(ImageConfiguration.defaultPath)"

/// One row: instructions after `FROM`, and what the last of them leaves in history.
struct HistoryCase: Sendable, CustomTestStringConvertible {
    let input: String
    let createdBy: String
    var testDescription: String { input }

    init(_ input: String, _ createdBy: String) {
        self.input = input
        self.createdBy = createdBy
    }
}

private let histories: [HistoryCase] = [
    .init("RUN mkdir -p /opt/", "RUN /bin/sh -c mkdir -p /opt/ # buildkit"),
    .init("RUN [\"a\", \"b c\"]", "RUN a b c # buildkit"),
    .init("ARG A=1\nRUN x", "RUN |1 A=1 /bin/sh -c x # buildkit"),
    .init("ARG A=1 B\nRUN x", "RUN |2 A=1 B= /bin/sh -c x # buildkit"),
    .init("ARG A=1\nENV A=2\nRUN x", "RUN |1 A=2 /bin/sh -c x # buildkit"),
    .init("SHELL [\"bash\", \"-c\"]\nRUN x", "RUN bash -c x # buildkit"),
    .init("RUN <<E\na\nb\nE", "RUN /bin/sh -c a\nb\n # buildkit"),
    .init("RUN cat <<E\n$a\nE", "RUN /bin/sh -c cat <<E\n$a\nE # buildkit"),
    .init("RUN <<E\n#!/bin/x\nE", "RUN /dev/pipes/E # buildkit"),
    .init("COPY example.txt /example.txt", "COPY example.txt /example.txt # buildkit"),
    .init("COPY [\"a b\", \"/x/\"]", "COPY a b /x/ # buildkit"),
    .init(
        "COPY --chown=1:2 --chmod=755 --parents a b /x/",
        "COPY --parents --chown=1:2 --chmod=755 a b /x/ # buildkit"
    ),
    .init("COPY <<F a /x/\nF", "COPY a <<F /x/ # buildkit"),
    .init("ADD http://a/b /c", "ADD http://a/b /c # buildkit"),
    .init("CMD cat x", "CMD [\"/bin/sh\" \"-c\" \"cat x\"]"), .init("CMD []", "CMD []"),
    .init("CMD [\"a\\\"b\"]", "CMD [\"a\\\"b\"]"), .init("ENTRYPOINT [\"x\"]", "ENTRYPOINT [\"x\"]"),
    .init("ENV A=1 B=\"x y\"", "ENV A=1 B=x y"), .init("ENV A 1 2", "ENV A=1 2"),
    .init("LABEL a=b c=d", "LABEL a=b c=d"),
    .init("WORKDIR /app", "WORKDIR /app"), .init("WORKDIR /a\nWORKDIR b/../c", "WORKDIR /a/c"),
    .init("WORKDIR /a/", "WORKDIR /a/"), .init("WORKDIR /a/\nWORKDIR b/", "WORKDIR /a/b"),
    .init("WORKDIR ../..", "WORKDIR /"), .init("USER a:b", "USER a:b"), .init("VOLUME /b /a", "VOLUME [/b /a]"),
    .init("VOLUME [\"/a\"]", "VOLUME [/a]"), .init("EXPOSE 80", "EXPOSE map[80/tcp:{}]"),
    .init("EXPOSE 80 53/UDP", "EXPOSE map[53/udp:{} 80/tcp:{}]"), .init("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGTERM"),
    .init("SHELL [\"a\", \"b\"]", "SHELL [a b]"), .init("MAINTAINER me", "MAINTAINER me"), .init("ARG A", "ARG A"),
    .init("ARG A=1 B=$A", "ARG A=1 B=1"), .init("ONBUILD RUN x", "ONBUILD RUN x"),
    .init(
        "HEALTHCHECK --interval=1m30s --retries=3 CMD a",
        "HEALTHCHECK &{[\"CMD-SHELL\" \"a\"] \"1m30s\" \"0s\" \"0s\" \"0s\" '\\x03'}"
    ),
    .init("HEALTHCHECK --interval=5m NONE", "HEALTHCHECK &{[\"NONE\"] \"0s\" \"0s\" \"0s\" \"0s\" '\\x00'}"),
    .init("HEALTHCHECK NONE", "HEALTHCHECK &{[\"NONE\"] \"0s\" \"0s\" \"0s\" \"0s\" '\\x00'}"),
]

@Suite struct ResolveTests {
    @Test("history texts are BuildKit's", arguments: histories)
    func history(row: HistoryCase) throws {
        #expect(try resolveAll("FROM scratch\n" + row.input + "\n").steps.last?.createdBy == row.createdBy)
    }

    @Test(
        "the environment of the image",
        arguments: [
            ("ENV A=1", ["A=1"]), ("ENV A=1 B=2\nENV A=3", ["A=3", "B=2"]),
            ("ENV abc=hello\nENV abc=bye def=$abc", ["abc=bye", "def=hello"]),
            ("ARG X=1\nENV A=$X", ["A=1"]), ("ENV A=${B:-d}", ["A=d"]), ("ENV A=\"a b\" C='$A'", ["A=a b", "C=$A"]),
            ("ENV A a  b", ["A=a  b"]), ("ENV K=N\nENV $K=v", ["K=N", "N=v"]), ("ENV A=1\nARG A=2", ["A=1"]),
            ("ENV A=", ["A="]),
            ("ENV A=\\$B", ["A=$B"]), ("ENV A=a\\ b", ["A=a b"]),
        ]
    )
    func environment(input: String, expected: [String]) throws {
        let state = try resolveAll("FROM scratch\n" + input + "\n").state
        #expect(state.configuration.config.env == [path] + expected)
    }

    @Test(
        "exposed ports",
        arguments: [
            ("EXPOSE 80", ["80/tcp"]), ("EXPOSE 80/UDP", ["80/udp"]),
            ("EXPOSE 8000-8002/sctp", ["8000/sctp", "8001/sctp", "8002/sctp"]),
            ("ENV P=\"80 443\"\nEXPOSE $P", ["443/tcp", "80/tcp"]), ("EXPOSE 127.0.0.1:80:8080", ["8080/tcp"]),
            ("EXPOSE 1\nEXPOSE 2", ["1/tcp", "2/tcp"]),
        ]
    )
    func ports(input: String, expected: [String]) throws {
        let state = try resolveAll("FROM scratch\n" + input + "\n").state
        #expect(state.configuration.config.exposedPorts?.keys.sorted() == expected)
    }

    @Test("ENTRYPOINT clears an inherited CMD but not the stage's own")
    func entrypoint() throws {
        var base = ImageConfiguration(platform: .host)
        base.config.cmd = ["base"]
        #expect(try resolveAll("FROM a\nENTRYPOINT [\"e\"]\n", base: base).state.configuration.config.cmd == nil)
        let own = try resolveAll("FROM a\nCMD [\"c\"]\nENTRYPOINT [\"e\"]\n", base: base).state
        #expect(own.configuration.config.cmd == ["c"])
        let inherited = try resolveAll("FROM a AS x\nCMD [\"c\"]\nFROM x\nENTRYPOINT [\"e\"]\n").state
        #expect(inherited.configuration.config.cmd == nil)
    }

    @Test("what RUN sees of arguments, proxies and the image's environment")
    func run() throws {
        let options = PlanOptions(buildArguments: ["B": "given", "HTTP_PROXY": "p", "unused": "u"])
        let text = "ARG G=global\nFROM scratch\nENV A=env\nARG A=arg B=default C G\nUSER u:g\nWORKDIR /w/\nRUN x\n"
        let step = try #require(try resolveAll(text, options: options).steps.last)
        guard case .run(let run) = step.action else { throw Failure() }
        #expect(run.environment.map(\.assignment) == [path, "A=arg", "B=given", "G=global"])
        #expect(run.buildArguments.map(\.assignment) == ["A=arg", "B=given", "G=global"])
        #expect(run.proxyEnvironment.map(\.assignment) == ["HTTP_PROXY=p", "http_proxy=p"])
        #expect(run.user == "u:g" && run.workingDirectory == "/w" && run.arguments == ["/bin/sh", "-c", "x"])
        #expect(step.createdBy == "RUN |4 A=arg B=given C= G=global /bin/sh -c x # buildkit")
    }

    @Test("mounts are resolved")
    func mounts() throws {
        let text = """
            FROM scratch AS s
            FROM scratch
            WORKDIR /w
            ENV T=/t
            RUN --mount=from=s,src=a,dst=b --mount=type=cache,target=$T,sharing=locked,mode=700 \
            --mount=type=secret,id=k --mount=type=secret,id=k,env=K --mount=type=tmpfs,target=/m,size=2m --mount=type=ssh x

            """
        let step = try #require(try resolveAll(text).steps.last)
        guard case .run(let run) = step.action else { throw Failure() }
        #expect(run.mounts.map(\.target) == ["/w/b", "/t", "/run/secrets/k", nil, "/m", "/run/buildkit/ssh_agent.0"])
        #expect(run.mounts[0].kind == .bind(from: .stage(0), path: "/a", isWritable: false))
        #expect(run.mounts[4].kind == .tmpfs(size: 2 << 20))
        guard case .cache(let cache) = run.mounts[1].kind else { throw Failure() }
        #expect(cache.id == "/t" && cache.sharing == .locked && cache.mode == 0o700 && cache.from == nil)
    }

    @Test("copies keep what the engine needs")
    func copy() throws {
        let text =
            "FROM scratch\nENV D=/d\nWORKDIR /w\nCOPY --chown=$D --exclude=$D <<E a$D <<'L' x/\n$D \\t \"q\"\nE\n$D\nL\n"
        let step = try #require(try resolveAll(text).steps.last)
        guard case .copy(let copy) = step.action else { throw Failure() }
        #expect(copy.sources.map(\.text) == ["a/d"] && copy.destination == "x/" && copy.workingDirectory == "/w")
        #expect(copy.inlineFiles.map(\.content) == ["/d t \"q\"\n", "$D\n"])
        #expect(copy.chown == "/d" && copy.excludes.map(\.text) == ["$D"] && copy.from == .context)
    }

    @Test(
        "sources of ADD are classified",
        arguments: [
            ("a", "path"), ("a:b", "path"), ("http://x/a.tar", "web"), ("https://x/y.git", "git"),
            ("https://x/y.git#v1:dir", "git"), ("git@x:y", "git"), ("ssh://x/y", "git"), ("https://x/y?z.git", "web"),
        ]
    )
    func add(source: String, expected: String) throws {
        let step = try #require(try resolveAll("FROM scratch\nADD \(source) /d/\n").steps.last)
        guard case .copy(let copy) = step.action else { throw Failure() }
        let kind: String
        switch copy.sources.first?.kind {
        case .path: kind = "path"
        case .remote(.web(_)): kind = "web"
        case .remote(.git(_)): kind = "git"
        case nil: kind = "nothing"
        }
        #expect(kind == expected)
    }

    @Test("the history has no credentials of addresses")
    func credentials() throws {
        let text = "FROM scratch\nADD https://user:secret@x/y.git https://token@x/a /d/\n"
        let step = try #require(try resolveAll(text).steps.last)
        #expect(step.createdBy == "ADD https://xxxx:xxxxxx@x/y.git https://xxxxx@x/a /d/ # buildkit")
    }

    @Test(
        "what cannot be resolved is an error",
        arguments: [
            "EXPOSE x", "EXPOSE 80/icmp", "EXPOSE 90-80", "EXPOSE 65536", "EXPOSE :", "STOPSIGNAL SIGFOO",
            "STOPSIGNAL 0",
            "STOPSIGNAL 65", "COPY http://x/y /", "COPY git@x:y /", "COPY --chmod=99 a b",
            "COPY --chmod=u* a b",
            "COPY --chmod=17777 a b", "ADD --checksum=x a b", "ENV A=${B:?no}", "ENV A=${B", "VOLUME $U", "ENV $U=x",
            "RUN --mount=target=/ x", "RUN --mount=source=a x", "RUN --mount=type=cache,target=/a,sharing=x y",
            "RUN --mount=type=cache,target=/a,mode=9 y", "RUN --mount=type=tmpfs,target=/a,size=x y",
            "RUN --mount=type=secret x",
            "RUN --mount=target=/a,rw=maybe x", "LABEL a='x",
        ]
    )
    func errors(input: String) {
        #expect(throws: DiagnosticsError.self) { try resolveAll("FROM scratch\n\(input)\n") }
    }

    @Test("signals that are accepted", arguments: ["SIGTERM", "term", "9", "64", "SIGRTMIN+3", "rtmax-2", "$S"])
    func signals(signal: String) throws {
        let text = "FROM scratch\nENV S=SIGKILL\nSTOPSIGNAL \(signal)\n"
        let expected = signal == "$S" ? "SIGKILL" : signal
        #expect(try resolveAll(text).state.configuration.config.stopSignal == expected)
    }

    @Test("WORKDIR makes a layer owned by the user, except for the root")
    func workdir() throws {
        let steps = try resolveAll("FROM scratch\nUSER app\nWORKDIR a/\nWORKDIR /\n").steps
        guard case .workdir(let directory) = steps[1].action else { throw Failure() }
        #expect(directory.path == "/a" && directory.user == "app" && !steps[1].emptyLayer && steps[2].emptyLayer)
    }

    @Test("an unset variable is reported, a declared one is not")
    func undefined() throws {
        let steps = try resolveAll("FROM scratch\nARG KNOWN\nENV PATHS=1 A=$KNOWN$PATSH\n").steps
        #expect(steps[1].unsetVariables.map(\.name) == ["PATSH"])
        #expect(steps[1].unsetVariables.map(\.suggestion) == ["PATH"])
    }
}

struct Failure: Error {}
