/// The proxy settings that every `RUN` gets from build arguments without `ARG`.
enum ProxyVariables {
    static let names = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"]

    /// Each setting in upper and in lower case.
    static func environment(_ buildArguments: [String: String]) -> [EnvironmentVariable] {
        names.flatMap { name -> [EnvironmentVariable] in
            guard let value = buildArguments[name] ?? buildArguments[name.lowercased()] else { return [] }
            return [EnvironmentVariable(name, value), EnvironmentVariable(name.lowercased(), value)]
        }
    }
}
