import Reporting
import Testing

@testable import DockerCommandLine

@Suite("Command lines")
struct CommandLineFormsTests {
    private func normalised(_ line: String) throws -> String {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map { $0 == "''" ? "" : String($0) }
        return try CommandLineForms.normalised(words).joined(separator: " ")
    }

    @Test(
        "are read as Docker's client reads them",
        arguments: [
            ("build -tx .", "build --tag=x ."), ("build -t=x .", "build --tag=x ."),
            ("build -t x .", "build --tag=x ."),
            ("build -fDockerfile .", "build --file=Dockerfile ."), ("build -m512m .", "build --memory=512m ."),
            ("build -qtx .", "build --quiet --tag=x ."), ("build -t '' .", "build --tag= ."),
            ("build --tag -q .", "build --tag=-q ."), ("build --memory-swap -1 .", "build --memory-swap=-1 ."),
            (". -t x", "build . --tag=x"), ("-t images .", "build --tag=images ."), ("- <", "build - <"),
            ("build --push=false .", "build ."), ("build --push=true .", "build --push ."),
            ("build --push --push=0 .", "build ."), ("build --push=f --push .", "build --push ."),
            ("build --no-cache=TRUE .", "build --no-cache ."), ("build --rm=false --load --compress .", "build ."),
            ("build --pull .", "build --pull=always ."), ("build --pull=1 .", "build --pull=always ."),
            ("build --pull=false .", "build ."), ("build --pull=never .", "build --pull=never ."),
            ("build --pull --pull=false .", "build ."), ("build --provenance=false .", "build --provenance=false ."),
            ("build --squash=false .", "build ."), ("build -- -x", "build -- -x"),
            ("--root /s images -q", "images --root=/s --quiet"), ("--root=/s .", "build --root=/s ."),
            ("--root /s index create a b", "index create --root=/s a b"),
            ("run -it a sh -c x", "run --interactive --tty a sh -c x"),
            ("run -itw/tmp a", "run --interactive --tty --workdir=/tmp a"),
            ("run -eA=1 -u1000 -v/a:/b a", "run --env=A=1 --user=1000 --volume=/a:/b a"),
            ("run -e=A=1 a", "run --env=A=1 a"), ("run -i=false a", "run a"), ("run --rm a --rm", "run --rm a --rm"),
            ("container ls -a", "ps --all"), ("image inspect x", "inspect --type=image x"),
            ("container prune -f", "container prune --force"), ("volume list -q", "volume ls --quiet"),
            ("run -itd a", "run --interactive --tty --detach a"),
            ("run -h box a -h", "run --hostname=box a -h"), ("run --name x -- a -- b", "run --name=x a -- b"),
            ("run --sig-proxy=false a", "run --no-sig-proxy a"), ("run --sig-proxy a", "run a"),
            ("run --detach=false a", "run a"), ("run a --help", "run a --help"),
            ("debug-shell ls -l", "debug-shell -- ls -l"), ("debug-shell -- -x", "debug-shell -- -x"),
            ("debug-shell --build x", "debug-shell --build=x"), ("debug-shell --help", "help debug-shell"),
            ("debug-shell -h", "help debug-shell"), ("run --help", "help run"),
            ("index push --help", "help index push"),
            ("build -h", "help build"), ("images -qa", "images --quiet"), ("ls -lR a", "ls -l --recursive a"),
            ("--help", "--help"), ("-v", "--version"), ("build --version", "--version"), ("help run", "help run"),
            ("compose", "compose"), ("compose --help", "compose --help"),
            (
                "compose -f a --file b -pc -p=d config -q",
                "compose config --file=a --file=b --project-name=c --project-name=d --quiet"
            ),
            ("compose --profile x convert web", "compose config --profile=x web"),
            ("compose -f - config --help", "help compose config"),
            ("index", "index"), ("debug tables", "debug tables"), ("./bild", "build ./bild"), ("a/b", "build a/b"),
            ("git@host:repository", "build git@host:repository"), ("", "build "),
        ]
    )
    func forms(line: String, expected: String) throws {
        #expect(try normalised(line) == expected)
    }

    @Test(
        "that are wrong say what is, and what was meant",
        arguments: [
            ("bild", "unknown command `bild`; did you mean `build`?"),
            ("bild .", "unknown command `bild`; did you mean `build`?"),
            ("manifest inspect x", "did you mean `inspect`?"),
            ("buildx build .", "unknown command `buildx build`; did you mean `build`?"),
            ("builder prune", "did you mean `prune --all`?"), ("info", "did you mean `doctor`?"),
            ("update x", "unknown command `update`: "),
            ("compose publish", "unknown command `compose publish`"), ("compose -f", "`-f` needs a value"),
            ("compose --profile x confg", "unknown command `compose confg`; did you mean `compose config`?"),
            ("help bild", "unknown command `bild`; did you mean `build`?"),
            ("help index pish", "unknown command `index pish`; did you mean `index push`?"),
            ("index creat a b", "unknown command `index creat`; did you mean `index create`?"),
            ("--root /s bild", "unknown command `bild`"), ("zzzzzzzz", "unknown command `zzzzzzzz`"),
            ("build --tagg x .", "unknown flag `--tagg`; did you mean `--tag`?"),
            ("build --squash .", "`--squash` is not supported: "), ("images --nope", "unknown flag `--nope`"),
            ("build -X .", "unknown flag `-X`"), ("build . -t", "`-t` needs a value"),
            ("build --tag", "`--tag` needs a value"), ("build --push=maybe .", "`--push` takes true or false"),
            ("run -i=x a", "`-i` takes true or false"), ("run -astdin a", "`-a` is not supported: "),
            ("run -ita stdin a", "`-a` is not supported: "), ("run --gpus all a", "`--gpus` is not supported: "),
        ]
    )
    func wrong(line: String, expected: String) {
        let failure = #expect(throws: UserError.self) { try normalised(line) }
        #expect(failure?.message.contains(expected) == true, "\(failure?.message ?? "")")
        #expect(failure?.status == ExitStatus.usage)
    }

    @Test("never get a suggestion of a flag that does something else", arguments: ["squash", "nope", "cache", "debug"])
    func noSuggestion(name: String) {
        let failure = #expect(throws: (any Error).self) { try normalised("build --\(name) x") } as? UserError
        #expect(failure?.message.contains("did you mean") != true, "\(failure?.message ?? "")")
    }
}
