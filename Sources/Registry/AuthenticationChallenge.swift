/// How a server wants a request to be authorised: one challenge of a `WWW-Authenticate` field (RFC 9110, section 11.6.1).
struct AuthenticationChallenge: Equatable {
    /// In lower case: `bearer`, `basic`.
    let scheme: String
    /// Names in lower case.
    let parameters: [String: String]

    /// Parses a field that may hold several challenges; what cannot be understood is left out.
    static func parse(_ field: String) -> [AuthenticationChallenge] {
        var scanner = Scanner(text: Array(field.utf8))
        var challenges: [AuthenticationChallenge] = []
        while let scheme = scanner.token() {
            var parameters: [String: String] = [:]
            while let (name, value) = scanner.parameter() { parameters[name] = value }
            challenges.append(AuthenticationChallenge(scheme: scheme.lowercased(), parameters: parameters))
            scanner.skipSeparators()
        }
        return challenges
    }

    private struct Scanner {
        let text: [UInt8]
        private var position = 0

        init(text: [UInt8]) { self.text = text }

        mutating func skipSeparators() {
            while position < text.count, " \t,".utf8.contains(text[position]) { position += 1 }
        }

        mutating func token() -> String? {
            skipSeparators()
            let start = position
            while position < text.count, Scanner.isTokenByte(text[position]) { position += 1 }
            return start == position ? nil : String(decoding: text[start..<position], as: UTF8.self)
        }

        /// `name=value` or `name="value"`; `nil`, and nothing taken, where the next challenge begins.
        mutating func parameter() -> (String, String)? {
            let start = position
            guard let name = token() else { return nil }
            while position < text.count, text[position] == UInt8(ascii: " ") { position += 1 }
            guard position < text.count, text[position] == UInt8(ascii: "=") else {
                position = start
                return nil
            }
            position += 1
            while position < text.count, text[position] == UInt8(ascii: " ") { position += 1 }
            guard position < text.count, text[position] == UInt8(ascii: "\"") else {
                return (name.lowercased(), token() ?? "")
            }
            position += 1
            var value: [UInt8] = []
            while position < text.count, text[position] != UInt8(ascii: "\"") {
                if text[position] == UInt8(ascii: "\\"), position + 1 < text.count { position += 1 }
                value.append(text[position])
                position += 1
            }
            position += 1
            return (name.lowercased(), String(decoding: value, as: UTF8.self))
        }

        private static func isTokenByte(_ byte: UInt8) -> Bool {
            byte > 0x20 && byte < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains(byte)
        }
    }
}
