internal import Reporting
public import Tar

extension PathInRoot {
    /// The absolute form for a terminal or a document, whatever the bytes are.
    public var escaped: String { "/" + EscapedText.escaped(bytes) }
}
