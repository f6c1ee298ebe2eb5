/// Makes the credentials of addresses unreadable wherever a text is shown or kept.
public enum CredentialMask {
    /// Puts an `x` for each byte of a name and password before the `@` of an address, so that columns stay the same.
    public static func masked(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard let masked = masked(bytes[...]) else { return text }
        return String(decoding: masked, as: UTF8.self)
    }

    /// - Returns: `nil` where there is nothing to mask.
    static func masked(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard bytes.contains(UInt8(ascii: "@")) else { return nil }
        var result: ArraySlice<UInt8>?
        var position = bytes.startIndex
        while let colon = bytes[position...].firstIndex(of: UInt8(ascii: ":")) {
            position = colon + 1
            guard bytes[colon...].starts(with: "://".utf8) else { continue }
            let start = colon + 3
            let end = bytes[start...].firstIndex { $0 <= 0x20 || #"/?#"'"#.utf8.contains($0) } ?? bytes.endIndex
            position = end
            guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")),
                bytes[start..<at].contains(UInt8(ascii: ":")) || isWeb(bytes[..<colon])
            else { continue }
            if result == nil { result = bytes }
            for index in start..<at where bytes[index] != UInt8(ascii: ":") { result?[index] = UInt8(ascii: "x") }
        }
        return result
    }

    /// The name in `ssh://git@host` is not a secret.
    private static func isWeb(_ text: ArraySlice<UInt8>) -> Bool {
        text.reversed().starts(with: "ptth".utf8) || text.reversed().starts(with: "sptth".utf8)
    }
}
