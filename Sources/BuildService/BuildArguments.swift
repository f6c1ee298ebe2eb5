internal import BuildPlanning
internal import FileSystem
internal import Reporting
internal import SystemPackage

/// The values for `ARG` that a command line and the environment give.
struct BuildArguments {
    private(set) var values: [String: String] = [:]

    /// - Throws: `UserError`.
    init(_ options: BuildOptions) throws {
        values[SourceDateEpoch.name] = ProcessEnvironment[SourceDateEpoch.name]
        for file in options.buildArgumentFiles { try add(file: file) }
        for text in options.buildArguments { try add(text, from: "--build-arg") }
        if let epoch = options.sourceDateEpoch { values[SourceDateEpoch.name] = epoch }
        // A word may name what the time is taken of, which the plan knows.
        if let epoch = values[SourceDateEpoch.name], epoch.first?.isLetter == false,
            SourceDateEpoch.seconds(epoch) == nil
        {
            throw UserError(
                "\(SourceDateEpoch.name): `\(epoch)` is not a number of seconds since 1970",
                status: .usage
            )
        }
    }

    /// Empty lines and those that begin with `#` mean nothing, as in the files of `buildah --build-arg-file`.
    private mutating func add(file: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try FileOperations.read(FilePath(file), limit: 1 << 20)
        } catch {
            throw UserError("--build-arg-file: cannot read `\(file)`: \(error.reason)")
        }
        for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("#") || text.allSatisfy(\.isWhitespace) { continue }
            try add(text, from: "--build-arg-file \(file)")
        }
    }

    /// `NAME` alone takes the value of the environment, and means nothing where it has none.
    private mutating func add(_ text: String, from origin: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, !name.isEmpty else {
            throw UserError("\(origin): `\(text)` has no name", status: .usage)
        }
        if let value = parts.count == 2 ? parts[1] : ProcessEnvironment[name] { values[name] = value }
    }
}
