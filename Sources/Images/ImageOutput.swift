internal import ContentStore
internal import FileSystem
internal import Layers
internal import OCI
public import SystemPackage
internal import Tar

/// Where the result of a build goes, as `--output` says it.
public enum ImageOutput: Sendable, Hashable {
    /// An archive; `-` is standard output.
    case archive(ImageArchiveFormat, FilePath)
    /// An OCI layout directory.
    case layout(FilePath)
    /// The root filesystem as a tar archive; `-` is standard output.
    case tar(FilePath)
    /// The root filesystem as a directory.
    case local(FilePath)

    /// Parses `type=oci|docker|tar|local,dest=PATH[,tar=false]`, or just `DIRECTORY` or `-`.
    ///
    /// - Throws: `ImageError.invalidOutput`.
    public init(parsing text: String) throws {
        guard text.contains("=") else {
            guard !text.isEmpty else { throw ImageError.invalidOutput(text, reason: "it is empty") }
            self = text == "-" ? .tar("-") : .local(FilePath(text))
            return
        }
        var values: [String: String] = [:]
        for field in text.split(separator: ",") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw ImageError.invalidOutput(text, reason: "`\(field)` has no value") }
            values[parts[0]] = parts[1]
        }
        guard let type = values["type"] else { throw ImageError.invalidOutput(text, reason: "`type` is missing") }
        guard ["oci", "docker", "tar", "local"].contains(type) else {
            let known = "known are oci, docker, tar and local"
            let hint =
                ["registry", "image"].contains(type) ? "; an image always goes to the store, and --push pushes it" : ""
            throw ImageError.invalidOutput(text, reason: "type `\(type)` is not supported; \(known)\(hint)")
        }
        guard let destination = values["dest"].map({ FilePath($0) }), !destination.isEmpty else {
            throw ImageError.invalidOutput(text, reason: "`dest` is missing")
        }
        if let key = values.keys.sorted().first(where: { !["type", "dest", "tar"].contains($0) }) {
            throw ImageError.invalidOutput(text, reason: "unknown key `\(key)`; known are type, dest and tar")
        }
        switch (type, values["tar"] ?? "true") {
        case ("oci", "true"): self = .archive(.oci, destination)
        case ("oci", "false"): self = .layout(destination)
        case ("docker", "true"): self = .archive(.docker, destination)
        case ("tar", "true"): self = .tar(destination)
        case ("local", _): self = .local(destination)
        default: throw ImageError.invalidOutput(text, reason: "`tar` must be true or, for oci, false")
        }
    }
}

extension ImageStore {
    /// Writes an image to where an output says.
    ///
    /// - Parameter image: With the names that it has in an archive.
    public func write(_ image: ListedImage, to output: ImageOutput) throws {
        switch output {
        case .archive(let format, let path): try save([image], as: format, to: path)
        case .layout(let directory): try save([image], toLayout: directory)
        case .tar(let path):
            let lock = try store.lock(.shared)
            defer { withExtendedLifetime(lock) {} }
            let files = try LayerStack(try layers(of: image.image), in: layers)
            try OutputFile.write(path) { sink in
                let tar = TarWriter(sink: sink)
                try files.walk { entry, content in
                    guard !entry.path.isRoot else { return }
                    try tar.writeHeader(entry)
                    guard let content else { return }
                    try tar.copy(
                        descriptor: content.descriptor,
                        offset: content.offset,
                        size: entry.size,
                        path: "layer"
                    )
                    try tar.finishContent()
                }
                try tar.finish()
            }
        case .local(let directory):
            let lock = try store.lock(.shared)
            defer { withExtendedLifetime(lock) {} }
            let files = try LayerStack(try layers(of: image.image), in: layers)
            try FileOperations.createDirectories(directory)
            let writer = try TreeWriter(root: directory, whiteouts: .none, existing: .replaced)
            // The destination itself is the caller's and keeps its attributes.
            try files.walk { if !$0.path.isRoot { try writer.write($0, content: $1) } }
            try writer.finish()
        }
    }
}
