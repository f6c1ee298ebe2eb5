import ContainerRuntime
import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import Sandbox
import Snapshots
import SystemPackage
import Tar
import TestSupport
import Testing

extension StoreFixture {
    var snapshots: SnapshotStore { SnapshotStore(layers) }

    func busybox() throws -> Layer { try BusyboxBase.layer(in: layers) }

    /// Runs a shell script on layers and captures what it changed.
    ///
    /// - Parameter mounting: Whether layers are mounted in place, as far as they are not unpacked.
    func run(
        _ script: String,
        over stack: [Layer],
        copying: Bool = false,
        mounting: Bool = false,
        after: (FilePath) -> Void = { _ in }
    ) throws -> Layer {
        var snapshots = snapshots
        snapshots.mountsLayers = mounting
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
        let layer = try root.capture(LayerCapture(), in: layers).layer
        if let workspace = root.workspace { snapshots.adopt(workspace, as: layer) }
        return layer
    }

    /// One line for each path of the merged layers but busybox, directories' times and the root left out.
    func tree(_ stack: [Layer]) throws -> [String] {
        var lines: [String] = []
        try LayerStack(stack, in: layers).walk { entry, content in
            guard !entry.path.isRoot, !BusyboxBase.paths.contains(where: entry.path.isWithin) else { return }
            lines.append(Self.line(entry))
        }
        return lines
    }

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
    func mounted(_ stack: [Layer], mounting: Bool = false) throws -> [String] {
        var snapshots = snapshots
        snapshots.mountsLayers = mounting
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
