internal import FileSystem
internal import Reporting
internal import SystemPackage

/// Finds the files of a project.
struct FileDiscovery {
    static let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    static let overrides = [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
    ]

    let files: [String]
    /// What relative paths begin at.
    let directory: FilePath
    /// Of files that were there beside those that are taken.
    let notes: [String]

    /// - Throws: `UserError` where there is none.
    init(_ options: ProjectOptions, variables: [String: String]) throws(UserError) {
        let working = options.workingDirectory
        let directory = options.directory.map { working.pushing(FilePath($0)).lexicallyNormalized() }
        var files = options.files
        if files.isEmpty, let list = variables["COMPOSE_FILE"], !list.isEmpty {
            let separator = variables["COMPOSE_PATH_SEPARATOR"].flatMap { $0.isEmpty ? nil : $0 } ?? ":"
            files = list.split(separator: separator, omittingEmptySubsequences: true).map(String.init)
        }
        guard files.isEmpty else {
            let first =
                files[0] == "-"
                ? working : working.pushing(FilePath(files[0])).lexicallyNormalized().removingLastComponent()
            self.init(files: files, directory: directory ?? first, notes: [])
            return
        }
        var candidate = directory ?? working
        while true {
            let found = Self.names.map(candidate.appending).filter { FileStatus.ifPresent($0) != nil }
            if let file = found.first {
                let over = Self.overrides.map(candidate.appending).filter { FileStatus.ifPresent($0) != nil }
                self.init(
                    files: ([file] + over.prefix(1)).map(\.string),
                    directory: directory ?? candidate,
                    notes: [found, over].filter { $0.count > 1 }.map { files in
                        let rest = files.dropFirst().map { "`\($0.lastComponent?.string ?? "")`" }.joined(
                            separator: ", "
                        )
                        return "taking `\(files[0].lastComponent?.string ?? "")` and not \(rest)"
                    }
                )
                return
            }
            guard candidate.removeLastComponent() else { break }
        }
        throw UserError(
            "no Compose file in `\(directory ?? working)` or above it",
            hints: ["expected `compose.yaml`, `docker-compose.yml` or `--file`"]
        )
    }

    private init(files: [String], directory: FilePath, notes: [String]) {
        self.files = files
        self.directory = directory
        self.notes = notes
    }

    /// The directory in which `.env` lies, which is read before `COMPOSE_FILE` is known.
    static func environmentDirectory(_ options: ProjectOptions) -> FilePath {
        if let directory = options.directory {
            return options.workingDirectory.pushing(FilePath(directory)).lexicallyNormalized()
        }
        return (try? FileDiscovery(options, variables: options.variables).directory) ?? options.workingDirectory
    }
}
