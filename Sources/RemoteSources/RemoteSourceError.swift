public import HTTPTransport
public import OCI
public import RemoteAddresses

/// Why something from elsewhere is unavailable.
public enum RemoteSourceError: Error, Sendable, Equatable {
    case http(HTTPError)
    /// What came is not what the Dockerfile says it must be.
    case checksum(WebAddress, expected: Digest, actual: Digest)
    /// There is no `git` to run.
    case gitMissing(String)
    /// A `git` command failed; what it said, without credentials.
    case git(GitAddress, doing: String, output: String)
    /// The repository has no such branch, tag or commit.
    case referenceMissing(GitAddress, String)
    /// A reference leads to another commit than the one that was asked for.
    case commit(GitAddress, expected: String, actual: String)
    /// The repository has no such directory.
    case directoryMissing(GitAddress)
}

extension RemoteSourceError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .http(let error): error.description
        case .checksum(let address, let expected, let actual):
            "`\(address)` is not what is expected: its digest is \(actual), and \(expected) is asked for"
        case .gitMissing(let reason): "cannot run `git`: \(reason)"
        case .git(let address, let doing, let output): "cannot \(doing) `\(address.remote)`: \(output)"
        case .referenceMissing(let address, let reference):
            "`\(address.remote)` has no branch, tag or commit `\(reference)`"
        case .commit(let address, let expected, let actual):
            "`\(address)` is commit \(actual), and \(expected) is asked for"
        case .directoryMissing(let address):
            "`\(address.remote)` has no directory `\(address.subdirectory)` in that commit"
        }
    }

    /// What the user can do.
    public var hint: String? {
        switch self {
        case .http(let error): error.hint
        case .checksum: "the file has changed or was tampered with: inspect it before changing the checksum"
        case .gitMissing: "install git, or use an archive: most hosts offer one for each commit"
        case .git:
            "there are no password prompts: use a credential helper, an ssh agent, or a name and token in the address"
        case .referenceMissing: "`git ls-remote` lists what exists"
        case .commit: "the reference has moved since"
        case .directoryMissing: nil
        }
    }
}
