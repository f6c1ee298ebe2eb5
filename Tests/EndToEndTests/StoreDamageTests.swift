internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("Damaged stores", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct StoreDamageTests {
    /// What stands in the place of a file or directory of the store.
    enum Thing: String, CaseIterable {
        case garbage, nothing, directory, pipe

        func put(at path: FilePath) throws {
            try FileManager.default.removeItem(atPath: path.string)
            switch self {
            case .garbage: try Data("garbage\n".utf8).write(to: URL(fileURLWithPath: path.string))
            case .nothing: try Data().write(to: URL(fileURLWithPath: path.string))
            case .directory:
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
            case .pipe: mkfifo(path.string, 0o644)
            }
        }
    }

    private static let text = "FROM base\nCOPY a /a\nRUN --mount=type=cache,target=/c cp /a /b; cat /a\nLABEL x=y"

    /// Everything that a store has, its directories themselves included.
    private func places(_ f: BuildFixture) throws -> [(name: String, paths: [FilePath])] {
        let names = try FileManager.default.contentsOfDirectory(atPath: f.store.string).filter { $0 != "tmp" }
        var places = names.map { ($0, [f.store.appending($0)]) }
        for name in names.map({ $0 == "blobs" ? "blobs/sha256" : $0 }) {
            let directory = f.store.pushing(FilePath(name))
            let children = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
            if !children.isEmpty { places.append(("\(name)/*", children.map { directory.appending($0) })) }
        }
        return places.map { (name: $0.0, paths: $0.1) }.sorted { $0.name < $1.name }
    }

    /// A command must end by itself, and say why where it fails.
    private func expectAnswer(_ result: CommandResult, _ place: String) {
        #expect(result.status < 128, "\(place): \(result)")
        if result.status != 0 {
            #expect(result.errors.contains("error: ") || result.outputText.contains("error "), "\(place): \(result)")
        }
    }

    @Test(
        "anything in the place of anything is a miss or an error, and healed by doctor --repair",
        arguments: Thing.allCases
    )
    func anything(_ thing: Thing) async throws {
        try await BuildFixture.with { f in
            try f.write("a", "content")
            let file = try f.dockerfile(Self.text)
            func build() async throws -> CommandResult {
                try await f.swiftbuild("build", "-f", file, "-t", "app", ".")
            }
            try await f.importBase()
            try await f.buildFailing("FROM base\nRUN echo kept > /k; false")
            #expect(try await build().status == 0)
            for name in try places(f).map(\.name) {
                guard let paths = try places(f).first(where: { $0.name == name })?.paths else { continue }
                for path in paths { try thing.put(at: path) }
                for arguments in [
                    ["images"], ["run", "--rm", "app", "true"], ["build", "-f", file, "-t", "app", "."], ["doctor"],
                ] {
                    expectAnswer(try await f.start(arguments).wait(), "\(thing) for \(name), \(arguments[0])")
                }
                let repaired = try await f.swiftbuild("doctor", "--repair")
                #expect(repaired.status == 0, "\(thing) for \(name): \(repaired)")
                // What nobody can make again.
                try await f.importBase()
                let built = try await build()
                #expect(built.status == 0, "\(thing) for \(name): \(built)")
                let run = try await f.swiftbuild("run", "--rm", "app", "cat", "/b")
                #expect(run.outputText == "content", "\(thing) for \(name): \(run)")
            }
            // Of none of it anything is left. The images that lost their names to new ones are as damaged as before.
            try await f.succeed("doctor", "--repair")
            let doctor = try await f.swiftbuild("doctor")
            #expect(doctor.outputText.contains("in order"), "\(thing): \(doctor)")
        }
    }

    @Test("a document of an image that is damaged is written again by the build that says it succeeded")
    func documents() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = "FROM base\nRUN echo hi > /x\nLABEL a=b"
            let image = try await f.build(text)
            let index = try JSONDecoder().decode(JSON.self, from: Data(try readFile(f.store.appending("index.json"))))
            let manifest = try #require(
                index["manifests"].elements.first {
                    $0["annotations"]["org.opencontainers.image.ref.name"].text == "image-under-test"
                }?["digest"].text
            )
            for digest in [image.id, manifest] {
                let path = f.store.appending("blobs").appending("sha256").appending(String(digest.dropFirst(7)))
                try Data(count: try readFile(path).count).write(to: URL(fileURLWithPath: path.string))
                #expect(try await f.build(text).id == image.id)
                #expect(try await f.succeed("run", "--rm", image.id, "cat", "/x").outputText == "hi\n")
            }
        }
    }

    @Test("doctor finds nothing wrong after a step that failed, and --repair keeps what it left")
    func failedStep() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.buildFailing("FROM base\nRUN echo kept > /k; false")
            #expect(try await f.succeed("doctor").outputText.contains("in order"))
            let repaired = try await f.succeed("doctor", "--repair").outputText
            #expect(!repaired.contains("damaged") && !repaired.contains("failed step"), "\(repaired)")
            let shell = try await f.swiftbuild("debug-shell", input: "cat /k\n")
            #expect(shell.outputText.contains("kept"), "\(shell)")
        }
    }

    @Test("doctor finds nothing wrong while builds run")
    func whileBuilding() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let builds = try (0..<4).map { number in
                let text = "FROM base\n" + (0..<6).map { "RUN echo \(number) > /f\($0)" }.joined(separator: "\n")
                return try f.start(["build", "-f", try f.dockerfile(text), "-t", "app:\(number)", "."])
            }
            for _ in 0..<8 {
                let doctor = try await f.succeed("doctor")
                #expect(doctor.outputText.contains("in order"), "\(doctor)")
            }
            for build in builds { #expect(try await build.wait().status == 0) }
        }
    }

    @Test("the hole of a file that a RUN leaves takes up nothing, neither in the layer nor where it is unpacked")
    func sparse() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            func usage() async throws -> Int {
                let result = try await Machine.run(["du", "-sk", f.store.string], in: f.scratch)
                return try #require(Int(result.outputText.prefix { $0.isNumber }))
            }
            let before = try await usage()
            let text = "FROM base\nRUN truncate -s 300M /f && echo end >> /f"
            _ = try await f.start(["build", "-f", try f.dockerfile(text), "-t", "app", "."]).wait().requireSuccess()
            #expect(try await usage() < before + 20_000)
            // Unpacked from the layer, which `--repair` makes necessary.
            try await f.succeed("doctor", "--repair")
            let run = try await f.succeed("run", "--rm", "app", "sh", "-c", "tail -n 1 /f; stat -c %s /f")
            #expect(run.outputText.hasSuffix("end\n314572804\n"), "\(run)")
            #expect(try await usage() < before + 20_000)
            try await f.succeed("save", "--format", "oci", "-o", "\(f.scratch)/out/", "app")
            let other = ["--root", f.scratch.appending("other").string]
            _ = try await f.start(["load", "-i", "\(f.scratch)/out"] + other).wait().requireSuccess()
            let loaded = try await Machine.run(["du", "-sk", f.scratch.appending("other").string], in: f.scratch)
            #expect(try #require(Int(loaded.outputText.prefix { $0.isNumber })) < 40_000)
        }
    }
}

@Suite("Damaged bases", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct DamagedBaseTests: RegistryTesting {
    @Test("a pulled base of which something is damaged or gone is pulled again", arguments: [true, false])
    func pulledAgain(isRemoved: Bool) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                let reference = "\(registry.host)/team/app:1"
                #expect(try await pull(f, reference).status == 0)
                let store = f.scratch.appending("other")
                let root = ["--root", store.string]
                let file = try f.dockerfile("FROM \(reference)\nCOPY a /more")
                let index = try JSONDecoder().decode(JSON.self, from: Data(try readFile(store.appending("index.json"))))
                func blob(_ digest: String?) throws -> FilePath {
                    store.appending("blobs").appending("sha256").appending(String(try #require(digest).dropFirst(7)))
                }
                let manifestPath = try blob(index["manifests"].elements.first?["digest"].text)
                let manifest = try JSONDecoder().decode(JSON.self, from: Data(try readFile(manifestPath)))
                let layers = try manifest["layers"].elements.map { try blob($0["digest"].text) }
                for path in [manifestPath, try blob(manifest["config"]["digest"].text)] + layers {
                    if isRemoved {
                        try FileManager.default.removeItem(atPath: path.string)
                    } else {
                        try Data(count: try readFile(path).count).write(to: URL(fileURLWithPath: path.string))
                    }
                    let never = try await f.start(["build", "--pull=never", "-f", file, "."] + root).wait()
                    #expect(never.status == 1 && never.errors.contains("is damaged in the store"), "\(never)")
                    let build = try await f.start(["build", "-f", file, "."] + root).wait()
                    #expect(build.status == 0, "\(path): \(build)")
                    try registry.forgetRequests()
                    _ = try await f.start(["build", "-f", file, "."] + root).wait().requireSuccess()
                    #expect(registry.requests == [])
                }
            }
        }
    }

    @Test("a base by the digest of an index is used again without the network, and never for another image")
    func byIndexDigest() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                try await f.succeed("index", "create", "\(registry.host)/team/index:1", "\(registry.host)/team/app:1")
                let sent = try await f.succeed("index", "push", "\(registry.host)/team/index:1").outputText
                let start = try #require(sent.range(of: "sha256:")).lowerBound
                let reference = "\(registry.host)/team/index@\(sent[start...].prefix(71))"
                let root = ["--root", f.scratch.appending("other").string]
                let file = try f.dockerfile("FROM \(reference)\nENV K=v2")
                _ = try await f.start(["build", "-f", file, "."] + root).wait().requireSuccess()
                _ = try await f.start(["prune"] + root).wait().requireSuccess()
                try registry.forgetRequests()
                _ = try await f.start(["build", "-f", file, "."] + root).wait().requireSuccess()
                #expect(registry.requests == [])
            }
        }
    }
}

@Suite("Bases of other tools")
struct ForeignBaseTests {
    @Test("what is built on a base with no history, too little or too much has one entry for each layer")
    func history() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            _ = try await f.build("FROM scratch\nCOPY a /1\nCOPY a /2", "-t", "original")
            let script = """
                import hashlib, json, sys
                layout, kind = sys.argv[1:]
                blobs = layout + '/blobs/sha256/'
                def read(digest): return json.load(open(blobs + digest[7:]))
                def write(value):
                    data = json.dumps(value).encode(); digest = hashlib.sha256(data).hexdigest()
                    open(blobs + digest, 'wb').write(data)
                    return {'digest': 'sha256:' + digest, 'size': len(data)}
                index = json.load(open(layout + '/index.json')); entry = index['manifests'][0]
                manifest = read(entry['digest']); configuration = read(manifest['config']['digest'])
                history = configuration.pop('history')
                if kind == 'null': configuration['history'] = None
                if kind == 'short': configuration['history'] = history[:1]
                if kind == 'long': configuration['history'] = history + [{'created_by': 'more'}]
                manifest['config'].update(write(configuration)); entry.update(write(manifest))
                entry['annotations'] = {'org.opencontainers.image.ref.name': 'changed:' + kind}
                index['manifests'] = [entry]; json.dump(index, open(layout + '/index.json', 'w'))
                """
            for kind in ["none", "null", "short", "long"] {
                let layout = f.scratch.appending("layout-\(kind)").string
                try await f.succeed("save", "--format", "oci", "-o", layout + "/", "original")
                let changed = try await Machine.run(["python3", "-c", script, layout, kind], in: f.scratch)
                try #require(changed.status == 0, "\(changed)")
                try await f.succeed("load", "-i", layout)
                let image = try await f.build("FROM changed:\(kind)\nCOPY a /3\nLABEL x=y", "--pull=never")
                let history = image.configuration["history"].elements
                #expect(image.layers.count == 3)
                #expect(history.filter { $0["empty_layer"] == .null }.count == 3, "\(kind): \(history)")
                #expect(history.last?["empty_layer"] != .null)
            }
        }
    }
}
