internal import FileSystem
internal import Glibc
public import Layers
public import SystemPackage
public import Tar

/// A root filesystem that is busybox, and links to it for each command.
public enum BusyboxBase {
    static let program: FilePath = "/bin/busybox"

    /// The directories of `layer(in:)`.
    public static let paths = ["bin", "proc", "sys"].map { PathInRoot($0) }

    private static let commands = [
        "cat", "chmod", "chown", "cp", "dd", "echo", "env", "false", "find", "grep", "head", "hostname", "id", "kill",
        "ln", "ls", "mkdir", "mkfifo", "mknod", "mount", "mv", "printf", "pwd", "readlink", "rm", "rmdir", "seq", "sh",
        "sleep", "stat", "test", "touch", "true", "tty", "umask",
    ]

    /// Writes a layer with the commands in `/bin`, and more if wanted.
    public static func layer(in layers: LayerStore, adding more: [(LayerEntry, String)] = []) throws -> Layer {
        let links = commands.map { symbolicLink("bin/\($0)", to: "busybox") }
        // Without `proc` and `sys` the first process would leave them in its layer, as with Docker.
        let empty = [directory("bin"), directory("proc"), directory("sys")] + links
        return try layers.layer(
            empty.map { ($0, []) } + [(file("bin/busybox", 0o755), try FileOperations.read(program))]
                + more.map { ($0, Array($1.utf8)) }
        )
    }

    /// Makes the same in a directory, with `/etc`, `/root` and `/tmp`.
    public static func makeRoot(_ path: FilePath) throws {
        for name in ["bin", "etc", "root", "tmp"] { try FileOperations.createDirectories(path.appending(name)) }
        // Not by Foundation, whose copy is open for writing in every process that other tests start meanwhile.
        try FileOperations.writeAtomically(
            FileOperations.read(program),
            to: path.appending("bin/busybox"),
            temporary: path,
            permissions: 0o755
        )
        for command in commands {
            let link = path.appending("bin").appending(command)
            guard symlink("busybox", link.string) == 0 else { throw SystemError("create link", link) }
        }
    }
}
