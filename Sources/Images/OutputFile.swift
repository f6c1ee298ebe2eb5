internal import FileSystem
internal import Glibc
public import SystemPackage
public import Tar

/// Where an archive is written: a file that appears whole or not at all, or a stream such as standard output.
public enum OutputFile {
    /// Runs `body` with a sink for `path`; `-` is standard output, and devices and pipes are written to as they are.
    ///
    /// A reader that closes standard output early is not an error.
    ///
    /// - Throws: `ImageError.refusedDestination` for a directory, `SystemError`, what `body` throws.
    public static func write(_ path: FilePath, _ body: (any ByteSink) throws -> Void) throws {
        if path == "-" {
            let sink = DescriptorSink(descriptor: STDOUT_FILENO, path: StandardOutput.name)
            return try StandardOutput.ignoringClosedPipe { try body(sink) }
        }
        switch FileStatus.ifPresent(path)?.kind {
        case .directory?:
            throw ImageError.refusedDestination(path, reason: "it is a directory")
        case .characterDevice?, .fifo?, .blockDevice?:
            let file = try OwnedDescriptor(waitingForReaderOf: path)
            try body(DescriptorSink(descriptor: file.rawValue, path: path))
        default:
            let parent = path.removingLastComponent()
            let file = try TemporaryFile(in: parent.isEmpty ? "." : parent)
            try body(DescriptorSink(descriptor: file.descriptor, path: path))
            try file.replace(path)
        }
    }
}
