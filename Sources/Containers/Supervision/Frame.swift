internal import ContainerNetworks
internal import ContainerRuntime
internal import FileSystem
internal import Glibc
internal import OCI
internal import SystemPackage

/// What a client asks of a supervisor: the first line on a connection, as JSON.
enum Request: Sendable, Codable {
    /// Shows what the process writes from now on, and gives it what the client writes.
    case attach(input: Bool, terminal: TerminalSize?, command: CommandReplacement? = nil)
    /// Asks the process to end, and kills it after so many seconds; -1 waits for ever.
    case stop(signal: Int32?, timeout: Int?)
    case kill(signal: Int32)
    case pause
    case resume
    /// Waits until the container ends, and no longer restarts.
    case wait
    /// Starts a command beside the process, which nobody waits for.
    case execute(ProcessSpecification)
    /// Connects the container to another network.
    case connect(NetworkAttachment)
    /// Disconnects it from the network of a name or ID.
    case disconnect(String)
    /// Ends, removes the container, whatever its policy says.
    case remove
}

/// What a container runs for one start in the place of its own command.
struct CommandReplacement: Sendable, Codable {
    let arguments: [String]
    let usesTerminal: Bool
    let isInteractive: Bool
}

/// The size of a terminal, in characters.
struct TerminalSize: Sendable, Codable {
    var rows: UInt16
    var columns: UInt16

    /// That of an open terminal; `nil` for anything else.
    init?(of descriptor: Int32) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        (rows, columns) = (size.ws_row, size.ws_col)
    }
}

/// A message on a connection after the request: a kind, a length of four bytes, the most significant first, and bytes.
struct Frame {
    enum Kind: UInt8 {
        /// From the client: what the process reads, and its end.
        case input = 1, endOfInput, resize, signal
        /// From the supervisor: what the process wrote.
        case output = 16, error
        /// The exit code as text; the container has ended.
        case exit
        /// What was asked for is done.
        case done
        /// Why it could not be done.
        case failure
    }

    static let headerSize = 5
    static let sizeLimit = 1 << 20

    let kind: Kind
    var bytes: [UInt8] = []

    init(_ kind: Kind, _ bytes: [UInt8] = []) {
        self.kind = kind
        self.bytes = bytes
    }

    init(_ kind: Kind, _ text: String) { self.init(kind, Array(text.utf8)) }

    var encoded: [UInt8] {
        let count = UInt32(bytes.count)
        return [
            kind.rawValue, UInt8(count >> 24), UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF),
        ]
            + bytes
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Puts frames together from what came.
struct FrameDecoder {
    private var pending: [UInt8] = []

    mutating func append(_ bytes: some Sequence<UInt8>) { pending += bytes }

    /// The next complete frame.
    ///
    /// - Throws: `ContainerStoreError.unsupported` for what no frame can be.
    mutating func next() throws(ContainerStoreError) -> Frame? {
        guard pending.count >= Frame.headerSize else { return nil }
        let count = pending[1..<Frame.headerSize].reduce(0) { $0 << 8 | Int($1) }
        guard let kind = Frame.Kind(rawValue: pending[0]), count <= Frame.sizeLimit else {
            throw .unsupported("the supervisor of the container speaks another version of the protocol")
        }
        guard pending.count >= Frame.headerSize + count else { return nil }
        defer { pending.removeFirst(Frame.headerSize + count) }
        return Frame(kind, Array(pending[Frame.headerSize..<Frame.headerSize + count]))
    }
}
