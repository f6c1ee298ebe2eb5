import ContainerRuntime
import Layers
import OCI
import Sandbox
import Testing

@Suite("The process of an image")
struct ContainerOptionsTests {
    private func specification(
        _ execution: ImageConfiguration.Execution,
        _ change: (inout ContainerOptions) -> Void = { _ in }
    ) throws -> ProcessSpecification {
        let users = UserDatabase(
            passwd: Array("root:x:0:0::/root:/bin/sh\napp:x:5:6::/home/app:\n".utf8),
            group: Array("root:x:0:\nweb:x:7:\nmore:x:8:app,other\n".utf8)
        )
        var options = ContainerOptions()
        options.hostname = "box"
        change(&options)
        return try ProcessSpecification(execution, name: "image", users: users, options)
    }

    private func execution(entrypoint: [String]? = nil, cmd: [String]? = nil) -> ImageConfiguration.Execution {
        var result = ImageConfiguration.Execution()
        (result.entrypoint, result.cmd) = (entrypoint, cmd)
        return result
    }

    @Test("runs ENTRYPOINT with CMD, with the caller's arguments instead of CMD, or another entrypoint without CMD")
    func arguments() throws {
        let both = execution(entrypoint: ["e", "1"], cmd: ["c"])
        #expect(try specification(both).arguments == ["e", "1", "c"])
        #expect(try specification(both) { $0.command = ["x"] }.arguments == ["e", "1", "x"])
        #expect(try specification(both) { $0.entrypoint = "o" }.arguments == ["o"])
        #expect(try specification(both) { ($0.entrypoint, $0.command) = ("o", ["x"]) }.arguments == ["o", "x"])
        #expect(try specification(both) { ($0.entrypoint, $0.command) = ("", ["x"]) }.arguments == ["x"])
        #expect(try specification(execution(cmd: ["c"])).arguments == ["c"])
        #expect(throws: ContainerError.noCommand(image: "image")) { try specification(both) { $0.entrypoint = "" } }
        #expect(throws: ContainerError.noCommand(image: "image")) {
            try specification(execution(entrypoint: [], cmd: []))
        }
    }

    @Test("gets the caller's variables over the image's over what every container has")
    func environment() throws {
        var image = execution(cmd: ["c"])
        image.env = ["PATH=/p", "A=1", "B=x=y", "HOME=/h"]
        let environment = try specification(image) { $0.environment = ["A=2", "C=", "HOSTNAME=n"] }.environment
        #expect(environment == ["PATH=/p", "HOSTNAME=n", "HOME=/h", "A=2", "B=x=y", "C="])
        let plain = try specification(execution(cmd: ["c"])) { ($0.user, $0.usesTerminal) = ("app", true) }.environment
        #expect(plain.contains("HOME=/home/app") && plain.contains("TERM=xterm"))
    }

    @Test("runs as the user that is asked for, or the image's")
    func users() throws {
        var image = execution(cmd: ["c"])
        image.user = "app"
        #expect(try specification(image).ids == SandboxUser(userID: 5, groupID: 6, supplementaryGroups: [6, 8]))
        #expect(
            try specification(image) { $0.user = "app:web" }.ids
                == SandboxUser(userID: 5, groupID: 7, supplementaryGroups: [7])
        )
        #expect(
            try specification(image) { $0.user = "99" }.ids
                == SandboxUser(userID: 99, groupID: 0, supplementaryGroups: [0])
        )
        #expect(
            try specification(image) { $0.user = "5" }.ids
                == SandboxUser(userID: 5, groupID: 6, supplementaryGroups: [6, 8])
        )
        #expect(throws: ContainerError.unknownUser("nobody")) { try specification(image) { $0.user = "nobody" } }
        #expect(throws: ContainerError.unknownUser("none")) { try specification(image) { $0.user = "app:none" } }
        #expect(throws: ContainerError.unknownUser("4294967296")) {
            try specification(image) { $0.user = "4294967296" }
        }
    }

    @Test("starts in the directory that is asked for, the image's, or the root")
    func workingDirectory() throws {
        var image = execution(cmd: ["c"])
        #expect(try specification(image).workingDirectory == "/")
        image.workingDir = ""
        #expect(try specification(image).workingDirectory == "/")
        image.workingDir = "/w"
        #expect(try specification(image).workingDirectory == "/w")
        #expect(try specification(image) { $0.workingDirectory = "/not/there" }.workingDirectory == "/not/there")
    }

    @Test(
        "refuses volumes that make no sense",
        arguments: [
            "", ":", "/tmp", ":/x", "/tmp:", "/tmp:x", "name:/x", "/tmp:/x:rx", "/tmp:/x:ro:z", "/no/such:/x", "::",
        ]
    )
    func volumes(text: String) {
        #expect(throws: ContainerError.self) { try ProcessSpecification.Mount(volume: text) }
    }

    @Test(
        "takes volumes of directories and files",
        arguments: ["/tmp:/x", "/tmp:/x:ro", "/tmp:/x:rw", ".:/x", "/etc/passwd:/p"]
    )
    func goodVolumes(text: String) throws {
        _ = try ProcessSpecification.Mount(volume: text)
    }
}
