internal import FileSystem
internal import Reporting
internal import SystemPackage

/// The variables that are replaced in the files: those of the process, then those of `.env`.
enum ProjectVariables {
    static func load(_ options: ProjectOptions) throws -> [String: String] {
        var files = options.environmentFiles
        if files.isEmpty, let list = options.variables["COMPOSE_ENV_FILES"], !list.isEmpty {
            files = list.split(separator: ",").map(String.init)
        }
        if files.isEmpty {
            let isOff = ["1", "t", "true"].contains(options.variables["COMPOSE_DISABLE_ENV_FILE"]?.lowercased() ?? "")
            let path = FileDiscovery.environmentDirectory(options).appending(".env")
            guard !isOff, EnvironmentPresence.isFile(path) else { return options.variables }
            return try merged(options.variables, [path.string], in: options.workingDirectory)
        }
        return try merged(options.variables, files, in: options.workingDirectory)
    }

    /// Variables over those of files, of which later ones count.
    static func merged(_ variables: [String: String], _ files: [String], in directory: FilePath) throws -> [String:
        String]
    {
        var result: [String: String] = [:]
        for name in files {
            let path = directory.pushing(FilePath(name)).lexicallyNormalized()
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try FileOperations.read(path, limit: 16 << 20)
            } catch {
                throw UserError("cannot read the env file `\(name)`: \(error.reason)")
            }
            let known = result
            let file = try EnvironmentFile(parsing: SourceText(name: name, bytes: bytes)) {
                variables[$0] ?? known[$0]
            }
            result.merge(file.values) { $1 }
        }
        return result.merging(variables) { $1 }
    }
}
