import BuildPlanning
import Testing

@Suite("Options of the processes")
struct RunSettingsTests {
    @Test("sizes have suffixes in powers of 1024")
    func sizes() {
        for (text, size) in [
            ("0", 0), ("12", 12), ("1k", 1024), ("2M", 2 << 20), ("3gb", 3 << 30), ("1KiB", 1024), ("7b", 7),
        ] as [(String, Int64)] {
            #expect(ByteSize.parse(text) == size, "\(text)")
        }
        for text in ["", "k", "-1", "1.5m", "9223372036854775807k", "1kk", "0x1"] {
            #expect(ByteSize.parse(text) == nil, "\(text)")
        }
    }
}
