public import FileSystem

/// What is wrong with a context, its ignore file or a source that an instruction names.
public enum BuildContextError: Error, Sendable, Equatable {
    /// A wildcard pattern with an unfinished or empty class, or a lone `\` at its end.
    case malformedPattern([UInt8])
    /// A pattern that is only `!`.
    case emptyException
    /// Nothing is there under that name, or it is ignored.
    case missingSource(MissingSource)
    /// A symbolic link that leads back to itself, by its path in the context.
    case symbolicLinkLoop([UInt8])
    /// A symbolic link on the way to a source whose directories must be kept as they are, by its path in the context.
    case symbolicLinkAsParent([UInt8])
    /// A file that was different each time it was looked at, by its path in the context.
    case changedWhileRead([UInt8])
    case system(SystemError)
}

/// A source that an instruction names and that the context does not have.
public struct MissingSource: Sendable, Equatable {
    /// The line of an ignore file that excludes something.
    public struct Exclusion: Sendable, Equatable {
        /// Its name for messages.
        public let file: String
        /// 1-based; 0 for the store, which is excluded without a line.
        public let line: Int
        /// The cleaned pattern, without `!`.
        public let pattern: [UInt8]
    }

    /// The path as it was asked for.
    public let path: [UInt8]
    /// Why it is not there although the disk has it; `nil` when the disk does not have it either.
    public let exclusion: Exclusion?
    /// A path that exists and was probably meant.
    public let suggestion: [UInt8]?
    /// Where the path leads that is not there, when the path itself is a symbolic link.
    public var linkTarget: [UInt8]?
}

extension BuildContextError: CustomStringConvertible {
    /// One sentence for a message.
    public var description: String {
        switch self {
        case .malformedPattern(let pattern):
            "the pattern `\(text(pattern))` is malformed"
        case .emptyException:
            "`!` needs a pattern after it"
        case .missingSource(let source):
            source.description
        case .symbolicLinkLoop(let path):
            "`\(text(path))` leads to a loop of symbolic links"
        case .symbolicLinkAsParent(let path):
            "`\(text(path))` is a symbolic link, and `--parents` keeps directories as they are"
        case .changedWhileRead(let path):
            "`\(text(path))` changed while it was read"
        case .system(let error):
            error.description
        }
    }
}

extension MissingSource: CustomStringConvertible {
    /// One sentence for a message; the suggestion is not in it.
    public var description: String {
        let name = "`\(text(path))`"
        if let exclusion {
            guard exclusion.line != IgnoreFile.storeLine else {
                return "\(name) belongs to the store of this build and is never copied"
            }
            return "\(name) is excluded by `\(exclusion.file):\(exclusion.line)` (`\(text(exclusion.pattern))`)"
        }
        if let linkTarget {
            return "\(name) is a symbolic link to `\(text(linkTarget))`, which is not in the build context"
        }
        return "\(name) is not in the build context"
    }
}

private func text(_ path: [UInt8]) -> String {
    String(decoding: path, as: UTF8.self)
}
