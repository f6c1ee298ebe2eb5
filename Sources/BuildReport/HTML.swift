internal import Reporting

/// A piece of a page in which every value is escaped: only literals of this program are markup.
struct HTML: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    private(set) var text: String

    init(stringLiteral value: String) { text = value }
    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }
    init(_ parts: some Sequence<HTML>) { text = parts.map(\.text).joined() }

    static func + (left: HTML, right: HTML) -> HTML { "\(left)\(right)" }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: HTML) { text += value.text }
        mutating func appendInterpolation(_ value: Int) { text += String(value) }

        /// Text between tags, or the value of an attribute in double quotes.
        ///
        /// Control characters are shown and not used, as on a terminal.
        mutating func appendInterpolation(_ value: String) {
            for scalar in EscapedText.escaped(value).unicodeScalars {
                switch scalar {
                case "&": text += "&amp;"
                case "<": text += "&lt;"
                case ">": text += "&gt;"
                case "\"": text += "&quot;"
                case "'": text += "&#39;"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }

        /// A part of a whole as a CSS length, from `0%` to `100%`, with three decimals.
        mutating func appendInterpolation(percent fraction: Double) {
            let thousandths = Int((min(max(fraction.isFinite ? fraction : 0, 0), 1) * 100_000).rounded())
            let rest = String(thousandths % 1000)
            text += "\(thousandths / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)%"
        }
    }
}
