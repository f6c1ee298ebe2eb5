public import Reporting

extension ResolvedCopy {
    /// Brings what a mount shows of a context into the root of an empty filesystem: the contents of a directory, or a
    /// file under its own name.
    public init(mounting path: String, of context: ContentSource, range: SourceRange) {
        self.init(
            isAdd: false,
            from: context,
            sources: [CopySource(text: path.isEmpty ? "." : path, range: range, kind: .path)],
            inlineFiles: [],
            destination: "/",
            destinationRange: range,
            workingDirectory: "/",
            chown: nil,
            chownRange: nil,
            chmod: nil,
            link: false,
            parents: false,
            excludes: [],
            checksum: nil,
            unpack: nil,
            keepGitDirectory: false
        )
    }
}
