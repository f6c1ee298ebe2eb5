internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// Writes what a container's process writes, as Docker's `json-file`: one JSON object with `log`, `stream` and `time` for
/// each line.
///
/// A line longer than 16 KiB becomes several objects, of which only the last has the line's end. Not for several threads.
final class ContainerLog {
    /// Docker's size of a piece of a long line.
    static let pieceSize = 16 << 10

    private let path: FilePath
    private let limits: LogLimits
    private var descriptor: Int32 = -1
    private var size: Int64 = 0
    /// The beginnings of lines that are not complete, by stream.
    private var unfinished: [LogStream: [UInt8]] = [:]

    init(_ path: FilePath, _ limits: LogLimits) {
        self.path = path
        self.limits = limits
        open()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func open() {
        descriptor = (try? FileOperations.open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)) ?? -1
        size = descriptor < 0 ? 0 : (try? FileStatus.of(descriptor: descriptor, path: path).size) ?? 0
    }

    /// Takes in what came from a stream.
    func append(_ bytes: UnsafeRawBufferPointer, _ stream: LogStream, at time: Timestamp) {
        var lines: [UInt8] = []
        var pending = unfinished[stream] ?? []
        for byte in bytes {
            pending.append(byte)
            guard byte == UInt8(ascii: "\n") || pending.count == ContainerLog.pieceSize else { continue }
            ContainerLog.append(pending, stream, time, to: &lines)
            pending.removeAll(keepingCapacity: true)
            guard let limit = limits.fileSize, size + Int64(lines.count) >= limit else { continue }
            write(lines)
            lines = []
        }
        unfinished[stream] = pending
        write(lines)
    }

    /// Writes the lines that have no end.
    func finish(at time: Timestamp) {
        var lines: [UInt8] = []
        for (stream, bytes) in unfinished.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where !bytes.isEmpty {
            ContainerLog.append(bytes, stream, time, to: &lines)
        }
        unfinished = [:]
        write(lines)
    }

    /// A full disk ends nothing: what cannot be written is left out, and no line is ever cut.
    private func write(_ lines: [UInt8]) {
        guard !lines.isEmpty else { return }
        if descriptor < 0 { open() }
        let isWritten: Void? = lines.withUnsafeBytes { bytes in
            try? FileOperations.write(bytes, to: descriptor, path: path)
        }
        guard isWritten != nil else {
            _ = ftruncate(descriptor, off_t(size))
            return
        }
        size += Int64(lines.count)
        if let limit = limits.fileSize, size >= limit { rotate() }
    }

    private func rotate() {
        close(descriptor)
        descriptor = -1
        for number in stride(from: limits.fileCount - 1, to: 0, by: -1) {
            let older = number == 1 ? path : ContainerLog.path(path, number: number - 1)
            try? FileOperations.rename(older, to: ContainerLog.path(path, number: number))
        }
        if limits.fileCount < 2 { try? FileOperations.remove(path) }
        open()
    }

    /// The path of an older file; number 0 is the one that is written.
    static func path(_ path: FilePath, number: Int) -> FilePath {
        number == 0 ? path : FilePath("\(path).\(number)")
    }

    private static func append(_ line: [UInt8], _ stream: LogStream, _ time: Timestamp, to lines: inout [UInt8]) {
        lines += Array(#"{"log":""#.utf8)
        // Text that is not UTF-8 has replacement characters in JSON, as with Docker.
        for byte in String(decoding: line, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\n"): lines += Array(#"\n"#.utf8)
            case UInt8(ascii: "\r"): lines += Array(#"\r"#.utf8)
            case UInt8(ascii: "\t"): lines += Array(#"\t"#.utf8)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): lines += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                lines += Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
            default: lines.append(byte)
            }
        }
        lines += Array("\",\"stream\":\"\(stream.rawValue)\",\"time\":\"\(time)\"}\n".utf8)
    }
}

/// Where a process wrote something.
public enum LogStream: String, Sendable, Codable {
    case output = "stdout"
    case error = "stderr"
}
