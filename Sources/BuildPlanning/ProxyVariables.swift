/// The proxy settings that every `RUN` gets from build arguments without `ARG`.
enum ProxyVariables {
    static let names = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"]

    /// Each setting in upper and in lower case.
    ///
    /// Given in several spellings, the one in lower case counts; an empty one sets nothing (BuildKit).
    static func environment(_ buildArguments: [String: String]) -> [EnvironmentVariable] {
        guard !buildArguments.isEmpty else { return [] }
        // Capitals sort first.
        var values: [String: String] = [:]
        for (name, value) in buildArguments.sorted(by: { $0.key < $1.key }) { values[name.uppercased()] = value }
        return names.flatMap { name -> [EnvironmentVariable] in
            guard let value = values[name], !value.isEmpty else { return [] }
            return [EnvironmentVariable(name, value), EnvironmentVariable(name.lowercased(), value)]
        }
    }
}
