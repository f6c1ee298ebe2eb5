internal import Glibc
internal import SystemPackage

/// The program proot, which shows processes another root directory by changing the paths of their system calls.
public enum Tracer {
    static let name = "proot"

    /// Where it is installed; `nil` where it is not in `PATH`.
    public static var path: String? {
        let directories = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        return directories.map { "\($0)/\(name)" }.first { $0.hasPrefix("/") && access($0, X_OK) == 0 }
    }

    /// By its own filter it would not see the calls that are answered for users and owners.
    static let variable = "PROOT_NO_SECCOMP=1"

    /// What shows a directory as the root, with the caller's processes and the devices that no program can do without.
    static func arguments(_ root: FilePath, _ workingDirectory: String) -> [String] {
        let devices = ["null", "zero", "full", "random", "urandom", "tty"].map { "/dev/\($0)" }
        return ["-r", root.string, "-w", workingDirectory]
            + (["/proc", "/sys"] + devices.filter { access($0, F_OK) == 0 }).flatMap { ["-b", $0] }
    }
}
