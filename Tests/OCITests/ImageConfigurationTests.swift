import OCI
import Testing

@Suite("An image's configuration")
struct ImageConfigurationTests {
    private func decoded(_ text: String) throws -> ImageConfiguration {
        try CanonicalJSON.decode(ImageConfiguration.self, from: Array(text.utf8))
    }

    private func text(_ configuration: ImageConfiguration) throws -> String {
        String(decoding: try CanonicalJSON.encode(configuration), as: UTF8.self)
    }

    @Test("comes back byte for byte with every member that the specification and Docker know")
    func whole() throws {
        let digest = "sha256:" + String(repeating: "c", count: 64)
        let json =
            #"{"architecture":"arm","author":"A <a@example>","config":{"ArgsEscaped":true,"Cmd":["-d","/data"],"#
            + #""Domainname":"example","Entrypoint":["/bin/app"],"Env":["PATH=/bin","FOO=a=b"],"#
            + #""ExposedPorts":{"53/udp":{},"8080/tcp":{}},"Healthcheck":{"Interval":30000000000,"Retries":3,"#
            + #""StartInterval":5,"StartPeriod":1,"Test":["CMD-SHELL","true"],"Timeout":2},"Hostname":"h","#
            + #""Labels":{"org.example.a/b":"\"c\""},"OnBuild":["COPY . /"],"Shell":["/bin/bash","-c"],"#
            + #""StopSignal":"SIGKILL","StopTimeout":10,"User":"alice:7","Volumes":{"/data":{}},"WorkingDir":"/home"},"#
            + #""created":"2015-10-31T22:22:56.015925234Z","history":[{"author":"B","comment":"c","#
            + #""created":"2015-10-31T22:22:54.690851953Z","created_by":"/bin/sh -c #(nop) ADD f in /"},"#
            + #"{"created":"2015-10-31T22:22:55+01:00","created_by":"CMD","empty_layer":true}],"os":"linux","#
            + #""os.version":"1","rootfs":{"diff_ids":["\#(digest)"],"type":"layers"},"variant":"v7"}"#
        let configuration = try decoded(json)
        #expect(try text(configuration) == json)
        #expect(configuration.platform.description == "linux/arm/v7")
        #expect(configuration.config.healthcheck?.interval == 30_000_000_000)
    }

    @Test(
        "may leave out everything, or have null there",
        arguments: [
            "{}", #"{"config":null,"rootfs":null,"history":null,"created":null,"architecture":null,"os":null}"#,
            #"{"config":{"Env":null,"Cmd":null,"Labels":null},"rootfs":{"type":"layers","diff_ids":null}}"#,
            #"{"unknown":{"a":[1]},"container":"x","docker_version":"1"}"#,
        ]
    )
    func empty(json: String) throws {
        let configuration = try decoded(json)
        #expect(
            configuration
                == ImageConfiguration(platform: Platform(os: "linux", architecture: Platform.host.architecture))
        )
        #expect(try decoded(text(configuration)) == configuration)
    }

    @Test(
        "is an error where a member is of another kind",
        arguments: [
            "[]", #"{"config":[]}"#, #"{"rootfs":{"diff_ids":["sha256:1"]}}"#, #"{"config":{"Env":"A=B"}}"#,
            #"{"history":[1]}"#, #"{"config":{"Healthcheck":{"Interval":"30s"}}}"#, #"{"created":1}"#,
        ]
    )
    func wrong(json: String) {
        #expect(throws: (any Error).self) { try decoded(json) }
    }

    @Test(
        "tells of a step as it would stand in a Dockerfile",
        arguments: [
            ("RUN /bin/sh -c apk add x # buildkit", "RUN apk add x"), ("/bin/sh -c apk add x", "RUN apk add x"),
            ("/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD [\"sh\"]"), ("/bin/sh -c #(nop) ADD f in /", "ADD f in /"),
            ("COPY a /b # buildkit", "COPY a /b"), ("RUN |1 A=b /bin/sh -c echo $A # buildkit", "RUN echo $A"),
            ("|2 A=b C=d /bin/sh -c echo", "RUN echo"), ("CMD [\"sh\"]", "CMD [\"sh\"]"), ("", ""),
            ("RUN /app --serve # buildkit", "RUN /app --serve"),
        ]
    )
    func instruction(createdBy: String, instruction: String) {
        let entry = ImageConfiguration.HistoryEntry(created: nil, createdBy: createdBy)
        #expect(entry.instruction == instruction)
    }

    @Test("keeps what its operating system needs, and no time that is none")
    func leniently() throws {
        let text =
            #"{"architecture":"amd64","config":{},"created":"","history":[{"created":"","created_by":"x"}],"#
            + #""os":"linux","os.features":["win32k"],"rootfs":{"diff_ids":[],"type":"layers"}}"#
        #expect(try self.text(decoded(text)) == text.replacing(#""created":"","#, with: ""))
    }

    private func history(_ text: String, layers: Int) -> String {
        var configuration = ImageConfiguration(platform: .host)
        let digest = Digest(hex: String(repeating: "0", count: 64))
        configuration.rootfs.diffIDs = (0..<layers).compactMap { _ in digest }
        configuration.history = text.map { .init(created: nil, createdBy: nil, emptyLayer: $0 == "e" ? true : nil) }
        return String(configuration.historyOfLayers.map { $0.emptyLayer == true ? "e" : "L" })
    }

    @Test(
        "has one entry of history for each layer",
        arguments: [
            ("", 0, ""), ("", 2, "LL"), ("L", 2, "LL"), ("eLe", 2, "eLeL"), ("LeL", 2, "LeL"), ("LeL", 1, "Lee"),
            ("LL", 0, "ee"),
        ]
    )
    func complete(text: String, layers: Int, expected: String) {
        #expect(history(text, layers: layers) == expected)
    }
}
