public import Layers
internal import Reporting

extension PathInRoot {
    /// The absolute form for a terminal or a document, whatever the bytes are.
    public var escaped: String { "/" + EscapedText.escaped(bytes) }
}
