internal import Foundation
internal import SystemPackage
internal import Testing

/// Compares command lines with Docker's client, which reads them before it looks for its daemon.
@Suite(
    "Docker's client",
    .enabled(if: Machine.has("docker"), "needs docker's client (package docker.io or docker-cli)")
)
struct DockerClientTests {
    @Test(
        "accepts and refuses the same forms",
        arguments: [
            "run -eA=1 x", "run -e=A=1 x", "run -e A=1 x", "run -w/tmp x", "run -u1000 x", "run -v/a:/b x",
            "run -i=false x",
            "run -i=x x", "run -it=false x", "run --rm=maybe x", "run --rm=T x", "run --rm=yes x", "run -e =x x",
            "run -hbox x",
            "run --nope x", "run -X x", "run -w", "run --name", "run --sig-proxy=false x", "run --no-sig-proxy x",
            "run -- x", "images -qa", "images -aq", "images -fdangling=true", "images --no-trunc=false", "images -z",
            "push -qa x", "push --all-tags=0 x", "pull -aq x", "rmi -f=true x", "rmi -fx", "import -cCMD -mtext - x",
            "history -qH x", "history --human=x y", "tag --nope a b", "save -ox.tar x", "load -ix.tar", "load -q=x",
            "inspect -f{{.Id}} x", "inspect --type=image x", "inspect -sf{{.Id}} x",
            "volume create -dlocal --label=a x",
            "volume ls -qfname=x", "volume rm -fx", "volume prune -af --filter=label=x", "volume ls -z",
            "container prune -fx", "system prune -afx",
            "system df -vx", "image inspect -z", "logout --nope", "version -f{{.Client.Os}}",
            "pull --disable-content-trust=false x",
        ]
    )
    func forms(line: String) async throws {
        try await BuildFixture.with(.one) { f in
            let words = line.split(separator: " ").map(String.init)
            let nowhere = f.scratch.appending("no-daemon").string
            let docker = try await Machine.run(
                ["docker"] + words,
                environment: ["DOCKER_HOST": "unix://\(nowhere)"],
                in: f.scratch
            )
            let isRefused = ["unknown flag", "unknown shorthand", "invalid argument", "flag needs an argument"]
                .contains(where: docker.errors.contains)
            let own = try await f.start(words, environment: ["HTTPS_PROXY": "http://127.0.0.1:9"]).wait(
                limit: .seconds(30)
            )
            let wrong = ["unknown flag", "needs a value", "takes true or false", "has no name"]
            #expect(wrong.contains(where: own.errors.contains) == isRefused, "\(docker)\n\(own)")
        }
    }
}
