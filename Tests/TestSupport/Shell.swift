internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Runs a line of shell, and gives its exit code with all that it printed.
@discardableResult
public func shell(_ command: String) throws -> (status: Int32, output: String) {
    guard let pipe = popen("{ \(command)\n} 2>&1", "r") else { throw SystemError("run", "sh") }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output += buffer[..<count]
    }
    let status = pclose(pipe)
    return (status >> 8 & 0xFF, String(decoding: output, as: UTF8.self))
}

/// Runs a program as `shell` does, with arguments that are taken as they are.
@discardableResult
public func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    try shell(arguments.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " "))
}

/// Whether a line of shell ends with exit code 0.
public func succeeds(_ command: String) -> Bool { system(command) == 0 }
