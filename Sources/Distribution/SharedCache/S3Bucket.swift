public import RemoteAddresses

/// A directory of a bucket on a server of S3's protocol, and how to log in there.
public struct S3Bucket: Sendable, Hashable {
    public let address: WebAddress
    public let region: String
    /// `nil` where the environment has them: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    let accessKey: String?
    let secretKey: String?
    let sessionToken: String?

    /// The names of values that `init` takes, apart from `bucket`.
    static let names = [
        "region", "prefix", "endpoint_url", "access_key_id", "secret_access_key", "session_token",
    ]

    /// Those that are shown nowhere.
    static let secrets = ["secret_access_key", "session_token"]

    /// - Throws: `AddressError`.
    init(_ bucket: String, _ values: [String: String]) throws {
        region = values["region"] ?? "us-east-1"
        // With another server the bucket is part of the path, as every server takes it.
        let server = values["endpoint_url"].map { ($0.hasSuffix("/") ? $0 : $0 + "/") + bucket }
        let base = server ?? "https://\(bucket).s3.\(region).amazonaws.com"
        let prefix = values["prefix"].map { "/" + $0.split(separator: "/").joined(separator: "/") } ?? ""
        address = try WebAddress(parsing: base + prefix)
        (accessKey, secretKey) = (values["access_key_id"], values["secret_access_key"])
        sessionToken = values["session_token"]
    }

    /// How requests are signed; `nil` where nothing says who the user is.
    func signature(_ environment: [String: String]) -> S3Signature? {
        guard let accessKey = accessKey ?? environment["AWS_ACCESS_KEY_ID"],
            let secretKey = secretKey ?? environment["AWS_SECRET_ACCESS_KEY"]
        else { return nil }
        return S3Signature(
            region: region,
            accessKey: accessKey,
            secretKey: secretKey,
            // That of the environment belongs to the key of the environment.
            sessionToken: sessionToken ?? (self.accessKey == nil ? environment["AWS_SESSION_TOKEN"] : nil)
        )
    }
}
