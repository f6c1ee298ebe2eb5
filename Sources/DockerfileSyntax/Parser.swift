public import Reporting

extension Dockerfile {
    /// Parses a Dockerfile.
    ///
    /// - Throws: all errors of the file together, sorted by place.
    public init(parsing source: SourceText) throws(DiagnosticsError) {
        throw DiagnosticsError(source: source, diagnostics: [])
    }
}
