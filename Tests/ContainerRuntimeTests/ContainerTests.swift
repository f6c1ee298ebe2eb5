import ContainerRuntime
import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import Sandbox
import Snapshots
import SystemPackage
import Testing

private let canRun: Bool = {
    let works = geteuid() == 0
    if !works { print("skipped: only root can have any user in a container") }
    return works
}()

@Suite("A container", .enabled(if: canRun, "needs root"))
struct ContainerTests {
    /// Prepares a container on an image of one layer with users.
    private func configuration(
        _ execution: ImageConfiguration.Execution,
        _ change: (inout ContainerOptions) -> Void = { _ in }
    ) throws -> SandboxConfiguration {
        let directory = FilePath("/var/tmp/swiftbuild-container-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileOperations.removeTree(directory) }
        let layers = LayerStore(try Store(root: directory))
        let writer = try layers.writer()
        try writer.append(.directory(PathInRoot("etc")))
        for (name, text) in [
            ("group", "root:x:0:\nweb:x:7:\nmore:x:8:app,other\n"),
            ("passwd", "root:x:0:0::/root:/bin/sh\napp:x:5:6::/home/app:\n"),
        ] {
            var entry = LayerEntry(path: PathInRoot("etc/\(name)"), kind: .regular, permissions: 0o644)
            entry.size = Int64(text.utf8.count)
            try writer.append(entry, content: .bytes(Array(text.utf8)))
        }
        let layer = try writer.finish()
        var image = ImageConfiguration(platform: .host)
        image.config = execution
        var options = ContainerOptions()
        options.hostname = "box"
        change(&options)
        return try Container(image, layers: [layer], name: "image", options, in: SnapshotStore(layers)).configuration
    }

    private func execution(entrypoint: [String]? = nil, cmd: [String]? = nil) -> ImageConfiguration.Execution {
        var result = ImageConfiguration.Execution()
        (result.entrypoint, result.cmd) = (entrypoint, cmd)
        return result
    }

    @Test("runs ENTRYPOINT with CMD, with the caller's arguments instead of CMD, or another entrypoint without CMD")
    func arguments() throws {
        let both = execution(entrypoint: ["e", "1"], cmd: ["c"])
        #expect(try configuration(both).arguments == ["e", "1", "c"])
        #expect(try configuration(both) { $0.command = ["x"] }.arguments == ["e", "1", "x"])
        #expect(try configuration(both) { $0.entrypoint = "o" }.arguments == ["o"])
        #expect(try configuration(both) { ($0.entrypoint, $0.command) = ("o", ["x"]) }.arguments == ["o", "x"])
        #expect(try configuration(both) { ($0.entrypoint, $0.command) = ("", ["x"]) }.arguments == ["x"])
        #expect(try configuration(execution(cmd: ["c"])).arguments == ["c"])
        #expect(throws: ContainerError.noCommand(image: "image")) { try configuration(both) { $0.entrypoint = "" } }
        #expect(throws: ContainerError.noCommand(image: "image")) {
            try configuration(execution(entrypoint: [], cmd: []))
        }
    }

    @Test("gets the caller's variables over the image's over what every container has")
    func environment() throws {
        var image = execution(cmd: ["c"])
        image.env = ["PATH=/p", "A=1", "B=x=y", "HOME=/h"]
        let environment = try configuration(image) { $0.environment = ["A=2", "C=", "HOSTNAME=n"] }.environment
        #expect(Set(environment) == ["PATH=/p", "HOSTNAME=n", "HOME=/h", "A=2", "B=x=y", "C="])
        let plain = try configuration(execution(cmd: ["c"])) { ($0.user, $0.usesTerminal) = ("app", true) }.environment
        #expect(plain.contains("HOME=/home/app") && plain.contains("TERM=xterm"))
    }

    @Test("runs as the user that is asked for, or the image's")
    func users() throws {
        var image = execution(cmd: ["c"])
        image.user = "app"
        #expect(try configuration(image).user == SandboxUser(userID: 5, groupID: 6, supplementaryGroups: [6, 8]))
        #expect(
            try configuration(image) { $0.user = "app:web" }.user
                == SandboxUser(userID: 5, groupID: 7, supplementaryGroups: [7])
        )
        #expect(
            try configuration(image) { $0.user = "99" }.user
                == SandboxUser(userID: 99, groupID: 0, supplementaryGroups: [0])
        )
        #expect(
            try configuration(image) { $0.user = "5" }.user
                == SandboxUser(userID: 5, groupID: 6, supplementaryGroups: [6, 8])
        )
        #expect(throws: ContainerError.unknownUser("nobody")) { try configuration(image) { $0.user = "nobody" } }
        #expect(throws: ContainerError.unknownUser("none")) { try configuration(image) { $0.user = "app:none" } }
        #expect(throws: ContainerError.unknownUser("4294967296")) {
            try configuration(image) { $0.user = "4294967296" }
        }
    }

    @Test("starts in the directory that is asked for, the image's, or the root")
    func workingDirectory() throws {
        var image = execution(cmd: ["c"])
        #expect(try configuration(image).workingDirectory == "/")
        image.workingDir = ""
        #expect(try configuration(image).workingDirectory == "/")
        image.workingDir = "/w"
        #expect(try configuration(image).workingDirectory == "/w")
        #expect(try configuration(image) { $0.workingDirectory = "/not/there" }.workingDirectory == "/not/there")
    }

    @Test(
        "refuses volumes that make no sense",
        arguments: [
            "", ":", "/tmp", ":/x", "/tmp:", "/tmp:x", "name:/x", "/tmp:/x:rx", "/tmp:/x:ro:z", "/no/such:/x", "::",
        ]
    )
    func volumes(text: String) {
        #expect(throws: ContainerError.self) { try ContainerOptions.Volume(parsing: text) }
    }

    @Test(
        "takes volumes of directories and files",
        arguments: ["/tmp:/x", "/tmp:/x:ro", "/tmp:/x:rw", ".:/x", "/etc/passwd:/p"]
    )
    func goodVolumes(text: String) throws {
        _ = try ContainerOptions.Volume(parsing: text)
    }
}
