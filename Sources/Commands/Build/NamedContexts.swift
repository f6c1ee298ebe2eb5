import BuildContext
import BuildPlanning
import OCI
import SystemPackage

/// The values of `--build-context NAME=VALUE`, and how each of them is opened.
struct NamedContexts: Sendable {
    private(set) var kinds: [String: NamedContext] = [:]
    private(set) var openers: [String: @Sendable () async throws -> ContextDirectory] = [:]

    /// - Throws: `CommandFailure` for a malformed option, and for a directory that is not there.
    init(_ texts: [String]) throws {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw NamedContexts.usage(text, "write NAME=VALUE")
            }
            guard (try? ImageReference(parsing: parts[0])) != nil else {
                throw NamedContexts.usage(text, "`\(parts[0])` is no name that FROM or --from could have")
            }
            try add(NamedContext.key(parts[0]), parts[1], text)
        }
    }

    private mutating func add(_ key: String, _ value: String, _ text: String) throws {
        if let name = value.dropping(prefix: "docker-image://") {
            do {
                kinds[key] = .image(try ImageReference(parsing: name))
            } catch {
                throw NamedContexts.usage(text, "\(error)")
            }
            return
        }
        let directory = try BuildFiles.openWithIgnoreFile(value)
        kinds[key] = .files
        openers[key] = { directory }
    }

    private static func usage(_ text: String, _ reason: String) -> CommandFailure {
        CommandFailure("--build-context \(text): \(reason)", status: ExitStatus.usage)
    }
}

extension String {
    /// What follows a prefix; `nil` where the text does not begin with it.
    func dropping(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
