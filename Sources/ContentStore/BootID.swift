internal import FileSystem
internal import SystemPackage

/// Which run of the kernel this is, to tell what a power loss may have torn.
///
/// Files are not synced when they are written, since that costs more than a whole cached build. What was written
/// during an earlier boot is therefore verified once before it is trusted, and synced then.
public struct BootID: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64

    /// Stands for "known to be on disk".
    public static let durable = BootID(high: 0, low: 0)

    /// The running kernel's; a random one where the kernel does not tell, so that nothing is trusted by mistake.
    public static let current: BootID = {
        let text = (try? FileOperations.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        var words: (high: UInt64, low: UInt64) = (0, 0)
        var digits = 0
        for byte in text {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { continue }
            if digits < 16 {
                words.high = words.high << 4 | UInt64(digit)
            } else {
                words.low = words.low << 4 | UInt64(digit)
            }
            digits += 1
        }
        return digits == 32 ? BootID(high: words.high, low: words.low) : BootID(high: .random(in: 1 ... .max), low: 1)
    }()

    /// Whether content marked with this may be trusted without looking at it.
    public var isTrusted: Bool { self == .durable || self == .current }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads `bytes`.
    public init(bytes: UnsafeRawBufferPointer) {
        high = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }

    /// Parses `description`; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let high = UInt64(parts[0], radix: 16), let low = UInt64(parts[1], radix: 16) else {
            return nil
        }
        self.init(high: high, low: low)
    }

    /// Sixteen bytes, for a file.
    public var bytes: [UInt8] { withUnsafeBytes(of: high) { Array($0) } + withUnsafeBytes(of: low) { Array($0) } }
}

extension BootID: CustomStringConvertible {
    public var description: String { String(high, radix: 16) + "-" + String(low, radix: 16) }
}
