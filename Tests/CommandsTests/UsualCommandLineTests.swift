import ArgumentParser
import Testing

@testable import Commands
@testable import DockerCommandLine

@Suite("The plainest command lines")
struct UsualCommandLineTests {
    @Test(
        "mean what the argument parser says they mean",
        arguments: [
            "-f Dockerfile --tag name .",
            "-t a -t b:2 --build-arg X=1 --build-arg Y context",
            "build -t a .",
            "build context",
            "build build",
            ".",
            "./context",
            "/absolute --file=x/Dockerfile --tag=a=b",
            "--root /store -q --no-cache --target final --label a=b --label=c= .",
            ". --progress plain --platform linux/arm64 --iidfile id -o type=oci,dest=x --output=y",
            "-t name images", "-fa .", "-f=a .", "-qtname .", "-t name --push=false .", "--progress rawjson .",
            "--secret id=a,src=b --secret=id=c --ssh default --add-host a:1.2.3.4 --network none .",
        ]
    )
    func same(line: String) throws {
        let typed = line.split(separator: " ").map(String.init)
        let arguments = try CommandLineForms.normalised(typed)
        let parsed = try #require(try SwiftBuild.parseAsRoot(arguments) as? BuildCommand)
        #expect(BuildInvocation(plain: arguments) == parsed.invocation)
    }

    @Test(
        "are read without the argument parser only where it agrees, whatever the flag",
        arguments: KnownCommand.named("build")?.flags.filter(\.isParsed).map(\.text) ?? []
    )
    func each(flag: String) throws {
        for value in ["", "=1", "=a", "=-1", "=", "=plain", "=\(flag)"] {
            let arguments = ["build", flag + value, "context"]
            guard let plain = BuildInvocation(plain: arguments) else { continue }
            let parsed = try #require(try SwiftBuild.parseAsRoot(arguments) as? BuildCommand)
            #expect(plain == parsed.invocation, "\(arguments)")
            let typed = try #require(BuildInvocation(plain: ["build", "context"]))
            #expect(plain != typed, "\(arguments): the flag has no effect")
        }
    }

    @Test(
        "leave everything else to the argument parser",
        arguments: [
            "", "images", "--root /store images", "help", "--help", "--version", "build --help", "-h", "context",
            "-t name", "-t name . other", "-t -q .", "-f a -f b .", "--jobs 2 .",
            "--tags name .", "--progress fast .", "-- .", "-", "-f - .", "--tag= .",
            "bild", "bild .", "run -t name .", "version", "--push .", "--pull .",
        ]
    )
    func fallBack(line: String) {
        let arguments = try? CommandLineForms.normalised(line.split(separator: " ").map(String.init))
        #expect(arguments.flatMap(BuildInvocation.init(plain:)) == nil)
    }
}
