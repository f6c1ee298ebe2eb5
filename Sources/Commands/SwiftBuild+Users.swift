import CommandSupport
import ContainerRuntime
import DockerCommandLine
import Glibc
import Images
import Reporting

extension SwiftBuild {
    /// Commands that read, write or remove files of processes, which may belong to all users that an ordinary user has.
    private static let onFiles: Set<String> = [
        "build", "commit", "compose", "cp", "create", "debug-shell", "df", "diff", "doctor", "exec", "export", "prune",
        "restart", "rm", "run", "start", "system", "volume",
    ]

    /// Settles which isolation processes have, and becomes root of a user namespace where that takes it: only a process
    /// with one thread can.
    ///
    /// - Throws: `UserError` for an isolation that there is not.
    static func prepareUsers(_ typed: [String]) throws {
        // What is wrong with the arguments is told later.
        guard let arguments = try? CommandLineForms.normalised(typed), let verb = arguments.first else { return }
        func value(of option: String) -> String? {
            arguments.prefix { $0 != "--" }.last { $0.hasPrefix("--\(option)=") }.map {
                String($0.dropFirst(option.count + 3))
            }
        }
        if let name = value(of: "isolation"), onFiles.contains(verb) {
            guard IsolationChoice(name: name) != nil else {
                throw UserError("--isolation: `\(name)` is none of \(IsolationChoice.names)", status: .usage)
            }
            IsolationChoice.set(name)
        }
        if geteuid() != 0, onFiles.contains(verb) {
            IsolationChoice.enterUsers(of: StoreLocation(value(of: "root")).root)
        }
    }
}
