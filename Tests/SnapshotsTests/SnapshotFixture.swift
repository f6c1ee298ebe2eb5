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

/// A store in a scratch directory that is removed afterwards, with a base layer of busybox.
struct SnapshotFixture {
    static let canRun: Bool = {
        var reason: String?
        if geteuid() != 0 { reason = "only root can mount an overlay and own files" }
        if FileStatus.ifPresent("/bin/busybox") == nil { reason = "there is no /bin/busybox" }
        if reason == nil { reason = SandboxCapabilities.probe(in: "/var/tmp").overlayLimit }
        if let reason { print("skipped: \(reason)") }
        return reason == nil
    }()

    let directory: FilePath
    let layers: LayerStore
    let snapshots: SnapshotStore

    static func with(_ body: (SnapshotFixture) throws -> Void) throws {
        let directory = FilePath("/var/tmp/swiftbuild-snapshots-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileOperations.removeTree(directory) }
        let layers = LayerStore(try Store(root: directory))
        try body(SnapshotFixture(directory: directory, layers: layers, snapshots: SnapshotStore(layers)))
    }

    func layer(_ entries: [(LayerEntry, String)]) throws -> Layer {
        let writer = try layers.writer()
        for (entry, content) in entries.sorted(by: { $0.0.path < $1.0.path }) {
            var entry = entry
            if entry.kind == .regular { entry.size = Int64(content.utf8.count) }
            try writer.append(entry, content: entry.kind == .regular ? .bytes(Array(content.utf8)) : .none)
        }
        return try writer.finish()
    }

    func layer(_ entries: LayerEntry...) throws -> Layer { try layer(entries.map { ($0, "\($0.path)") }) }

    /// A layer of what a tar program would have written, raw headers and all.
    func layer(tar: [UInt8]) throws -> Layer {
        let digest = try layers.store.blobs.write(tar)
        return Layer(diffID: digest, tarSize: Int64(tar.count))
    }

    func busybox() throws -> Layer {
        let names = [
            "sh", "cat", "chmod", "chown", "cp", "echo", "find", "ln", "ls", "mkdir", "mkfifo", "mknod", "mv", "rm",
            "rmdir",
            "seq", "stat", "touch", "true", "printf", "test",
        ]
        let content = try FileOperations.read("/bin/busybox")
        let writer = try layers.writer()
        try writer.append(.directory(PathInRoot("bin")))
        var program = LayerEntry(path: PathInRoot("bin/busybox"), kind: .regular, permissions: 0o755)
        program.size = Int64(content.count)
        try writer.append(program, content: .bytes(content))
        for name in names.sorted() {
            var link = LayerEntry(path: PathInRoot("bin/\(name)"), kind: .symbolicLink, permissions: 0o777)
            if link.path < program.path { continue }
            link.linkTarget = Array("busybox".utf8)
            try writer.append(link)
        }
        // Without them the first process would leave them in its layer, as with Docker.
        for path in ["proc", "sys"] { try writer.append(.directory(PathInRoot(path))) }
        return try writer.finish()
    }

    /// Runs a shell script on layers and captures what it changed.
    func run(_ script: String, over stack: [Layer], copying: Bool = false, after: (FilePath) -> Void = { _ in }) throws
        -> Layer
    {
        let root: ProcessRoot
        if copying {
            root = try .copying(LayerStack(stack, in: layers), in: snapshots)
        } else {
            root = .overlay(try snapshots.workspace(over: try snapshots.snapshots(of: stack)))
        }
        var configuration = SandboxConfiguration(root: root.sandbox, arguments: ["/bin/busybox", "sh", "-ec", script])
        configuration.environment = ["PATH=/bin"]
        let process = try SandboxProcess.launch(configuration)
        var output: [UInt8] = []
        try process.readOutput { _, bytes in output += bytes }
        let exit = try process.wait()
        try #require(exit == .exited(0), "\(String(decoding: output, as: UTF8.self))")
        if let workspace = root.workspace { after(workspace.upper) }
        root.remove(process.createdMountPoints)
        let layer = try root.capture(LayerCapture(), below: nil, in: layers)
        if let workspace = root.workspace { snapshots.adopt(workspace, as: layer) }
        return layer
    }

    /// One line for each path of the merged layers but busybox, directories' times and the root left out.
    func tree(_ stack: [Layer]) throws -> [String] {
        var lines: [String] = []
        try LayerStack(stack, in: layers).walk { entry, content in
            guard !entry.path.isRoot, !SnapshotFixture.busyboxPaths.contains(where: entry.path.isWithin) else { return }
            lines.append(SnapshotFixture.line(entry))
        }
        return lines
    }

    private static let busyboxPaths = ["bin", "proc", "sys"].map { PathInRoot($0) }

    static func line(_ entry: LayerEntry) -> String {
        var words = [
            "\(entry.path)", "\(entry.kind)", String(entry.permissions, radix: 8), "\(entry.userID):\(entry.groupID)",
        ]
        if entry.kind == .regular { words.append("\(entry.size) \(entry.contentDigest?.short ?? "-")") }
        if !entry.linkTarget.isEmpty { words.append("-> \(String(decoding: entry.linkTarget, as: UTF8.self))") }
        if entry.deviceMajor | entry.deviceMinor != 0 { words.append("\(entry.deviceMajor),\(entry.deviceMinor)") }
        words += entry.extendedAttributes.map { "\($0.name)=\($0.value)" }
        if entry.isOpaque { words.append("opaque") }
        return words.joined(separator: " ")
    }

    /// The paths that a layer lists, with their kinds.
    func listing(_ layer: Layer) throws -> [String] {
        let index = try layers.index(of: layer)
        return (0..<index.count).map { "\(index[$0].path) \(index[$0].kind)\(index[$0].isOpaque ? " opaque" : "")" }
    }

    /// The tree that the kernel shows when an overlay of the layers' snapshots is mounted.
    func mounted(_ stack: [Layer]) throws -> [String] {
        let workspace = try snapshots.workspace(over: try snapshots.snapshots(of: stack))
        var configuration = SandboxConfiguration(
            root: ProcessRoot.overlay(workspace).sandbox,
            arguments: [
                "/bin/busybox", "sh", "-c",
                "cd / && find . -path ./bin -prune -o -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune"
                    + " -o -exec stat -c '%n %F %a %u:%g' {} +",
            ]
        )
        configuration.environment = ["PATH=/bin"]
        let process = try SandboxProcess.launch(configuration)
        var output: [UInt8] = []
        try process.readOutput { _, bytes in output += bytes }
        try #require(try process.wait() == .exited(0), "\(String(decoding: output, as: UTF8.self))")
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }
}

extension Trait where Self == ConditionTrait {
    static var needsOverlay: Self { .enabled(if: SnapshotFixture.canRun, "needs root, overlayfs and /bin/busybox") }
}

func file(_ path: String, _ permissions: UInt16 = 0o644) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .regular, permissions: permissions)
}

func directory(_ path: String, _ permissions: UInt16 = 0o755) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .directory, permissions: permissions)
}

func whiteout(_ path: String) -> LayerEntry { LayerEntry(path: PathInRoot(path), kind: .whiteout, permissions: 0) }

func hardLink(_ path: String, to target: String) -> LayerEntry {
    LayerEntry(path: PathInRoot(path), kind: .hardLink, permissions: 0o644, linkTarget: PathInRoot(target).bytes)
}
