internal import FileSystem
internal import Glibc
internal import Reporting
internal import SystemPackage

/// What reading the files of a project needs to know and remembers.
final class FileReading {
    let problems = ProblemList()
    let options: ProjectOptions
    /// The files that were read, in that order.
    private(set) var files: [SourceFile] = []
    /// Files that others include or extend, by path.
    var extended: [String: Node] = [:]
    private var unset: Set<String> = []
    private static let mostFiles = 1000
    private static let longest = 16 << 20

    init(_ options: ProjectOptions) { self.options = options }

    /// Reads a file, `-` being standard input.
    ///
    /// - Parameter reason: What named it, for the message where it is not there.
    func read(_ name: String, in directory: FilePath, at place: Place? = nil) throws -> SourceFile {
        guard files.count < Self.mostFiles else { throw UserError("the project has more than \(Self.mostFiles) files") }
        let file: SourceFile
        if name == "-" {
            file = SourceFile(SourceText(name: "-", bytes: try options.standardInput()), path: directory.appending("-"))
        } else {
            let path = FilePath(PathText.absolute(name, in: directory, home: options.variables["HOME"]))
            do throws(SystemError) {
                let bytes = try FileOperations.read(path, limit: Self.longest)
                file = SourceFile(SourceText(name: shownName(of: path), bytes: bytes), path: path)
            } catch {
                let message = "cannot read `\(shownName(of: path))`: \(error.reason)"
                guard let place else { throw UserError(message) }
                throw problems.fail(message, at: place)
            }
        }
        files.append(file)
        return file
    }

    /// Relative to the working directory where it is below that, as it would be typed.
    private func shownName(of path: FilePath) -> String {
        var rest = path
        guard rest.removePrefix(options.workingDirectory), !rest.isEmpty else { return path.string }
        return rest.string
    }

    /// The variables replaced in every value.
    func interpolated(_ node: Node, _ variables: [String: String]) -> Node {
        switch node.kind {
        case .list(let list): return node.with(.list(list.map { interpolated($0, variables) }))
        case .mapping(var mapping):
            for entry in mapping.entries {
                mapping.set(entry.key, interpolated(entry.value, variables), at: entry.place)
            }
            return node.with(.mapping(mapping))
        case .string(let text):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return node }
            let template = Template {
                variables[$0]
            } unset: { name in
                guard self.unset.insert(name).inserted else { return }
                self.problems.add(
                    .warning,
                    "the variable `\(name)` is not set: an empty string takes its place",
                    at: node.place,
                    hints: ["`${\(name):-default}` gives it a default, `$$` is a dollar"]
                )
            }
            do throws(Template.Failure) {
                return node.with(.string(try template.substitute(text)))
            } catch {
                problems.add(error.message, at: node.place)
                return node
            }
        default: return node
        }
    }
}
