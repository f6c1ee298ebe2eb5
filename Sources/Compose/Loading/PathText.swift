internal import SystemPackage

/// Paths in values.
enum PathText {
    /// Without `.`, `..`, doubled and trailing slashes (Go's `path.Clean`).
    static func cleaned(_ text: String) -> String {
        text.isEmpty ? "." : FilePath(text).lexicallyNormalized().string.nonEmpty(or: ".")
    }

    /// A path as an absolute one.
    static func absolute(_ text: String, in directory: FilePath, home: String?) -> String {
        var text = text
        if text == "~" || text.hasPrefix("~/"), let home { text = home + text.dropFirst() }
        return directory.pushing(FilePath(text)).lexicallyNormalized().string
    }
}

extension String {
    fileprivate func nonEmpty(or other: String) -> String { isEmpty ? other : self }
}
