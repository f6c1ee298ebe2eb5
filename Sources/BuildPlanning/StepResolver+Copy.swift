import DockerfileSyntax
import RemoteAddresses
import Reporting

extension StepResolver {
    mutating func resolve(_ copy: CopyInstruction) throws(Diagnostic) -> ResolvedStep {
        var sources: [CopySource] = []
        var files: [InlineFile] = []
        for source in copy.sources {
            switch source {
            case .path(let word): sources.append(try self.source(word, of: copy))
            case .heredoc(let heredoc): files.append(try inlineFile(heredoc))
            }
        }
        var destination = try expand(copy.destination)
        // An unset variable leaves the working directory, as in BuildKit and Docker's classic builder.
        if destination.isEmpty { destination = "./" }
        let chown = try expandIfGiven(copy.chown)
        let chmod = try mode(copy.chmod)
        let checksum = try expandIfGiven(copy.checksum)
        if checksum != nil, let word = copy.checksum {
            guard copy.sources.count == 1, sources.first.map({ $0.kind != .path }) == true else {
                throw Diagnostic("--checksum needs exactly one source, a URL or a Git repository", at: word.range)
            }
        }
        let resolved = ResolvedCopy(
            isAdd: copy.isAdd,
            from: step.copySource,
            sources: sources,
            inlineFiles: files,
            destination: destination,
            destinationRange: copy.destination.range,
            workingDirectory: state.workingDirectory,
            chown: chown,
            chownRange: copy.chown?.range,
            chmod: chmod,
            link: copy.link,
            parents: copy.parents,
            excludes: copy.excludes,
            checksum: checksum,
            unpack: copy.unpack,
            keepGitDirectory: copy.keepGitDirectory
        )
        return ResolvedStep(
            action: .copy(resolved),
            createdBy: createdBy(resolved),
            emptyLayer: false,
            unsetVariables: unsetVariables,
            warnings: warnings
        )
    }

    /// An empty value is as good as none.
    private mutating func mode(_ word: Word?) throws(Diagnostic) -> ModeChange? {
        guard let word, let text = try expandIfGiven(word), !text.isEmpty else { return nil }
        guard let mode = ModeChange(text) else {
            throw Diagnostic(
                "invalid mode `\(text)`",
                at: word.range,
                label: "octal up to 07777, or symbolic like u=rwX,go=rX"
            )
        }
        return mode
    }

    private mutating func source(_ word: Word, of copy: CopyInstruction) throws(Diagnostic) -> CopySource {
        let text = try expand(word)
        let address: RemoteAddress?
        do {
            address = try RemoteAddress(parsing: text)
        } catch {
            throw Diagnostic(error.description, at: word.range)
        }
        guard let address else { return CopySource(text: text, range: word.range, kind: .path) }
        guard copy.isAdd else {
            throw Diagnostic(
                "COPY cannot take files from the network",
                at: word.range,
                hints: ["ADD can: ADD \(CredentialMask.masked(text)) …"]
            )
        }
        return CopySource(text: text, range: word.range, kind: .remote(address))
    }

    private mutating func inlineFile(_ heredoc: Heredoc) throws(Diagnostic) -> InlineFile {
        var content = heredoc.content
        if heredoc.expands {
            // A backslash escapes whatever an escape directive says (BuildKit).
            content = try expansion(
                of: Word(content, at: heredoc.contentRange),
                quoting: .literalQuotes,
                escape: UInt8(ascii: "\\")
            ).text
        }
        return InlineFile(name: heredoc.name, content: content, range: heredoc.range)
    }

    private func createdBy(_ copy: ResolvedCopy) -> String {
        var words = [copy.isAdd ? "ADD" : "COPY"]
        if copy.parents { words.append("--parents") }
        if let chown = copy.chown, !chown.isEmpty { words.append("--chown=\(chown)") }
        if let chmod = copy.chmod { words.append("--chmod=\(chmod.text)") }
        words += copy.sources.map { CredentialMask.masked($0.text) }
        words += copy.inlineFiles.map { "<<\($0.name)" }
        words.append(copy.destination)
        return words.joined(separator: " ") + " # buildkit"
    }
}
