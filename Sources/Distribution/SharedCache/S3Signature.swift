internal import ContentStore
internal import HTTPTransport
internal import OCI
internal import RemoteAddresses

/// Signs requests to a bucket of S3's protocol (AWS Signature Version 4, "Authenticating Requests: Using the
/// Authorization Header").
struct S3Signature: Sendable {
    let region: String
    let accessKey: String
    let secretKey: String
    let sessionToken: String?

    /// - Parameters:
    ///   - payload: The digest of the body.
    ///   - time: The time of the request, in whole seconds.
    func sign(_ request: inout HTTPRequest, payload: Digest, at time: Timestamp) {
        let stamp = time.description.filter { $0 != "-" && $0 != ":" }
        let day = String(stamp.prefix(8))
        var signed = [
            ("host", request.address.authorityText), ("x-amz-content-sha256", payload.hex), ("x-amz-date", stamp),
        ]
        if let sessionToken { signed.append(("x-amz-security-token", sessionToken)) }
        for (name, value) in signed.dropFirst() { request.fields[name] = value }
        let names = signed.map(\.0).joined(separator: ";")
        let canonical = [
            request.method.rawValue, request.address.path, request.address.query ?? "",
            signed.map { "\($0):\($1)\n" }.joined(), names, payload.hex,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/s3/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(SHA256Hasher.digest(of: canonical).hex)"
        var key = Array("AWS4\(secretKey)".utf8)
        for word in [day, region, "s3", "aws4_request"] { key = S3Signature.code(of: word, key: key).bytes }
        let signature = S3Signature.code(of: text, key: key).hex
        request.authorization =
            "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(names),Signature=\(signature)"
    }

    /// HMAC-SHA256 (RFC 2104).
    static func code(of text: String, key: [UInt8]) -> Digest {
        let blockSize = 64
        var key = key.count > blockSize ? SHA256Hasher.digest(of: key).bytes : key
        key += [UInt8](repeating: 0, count: blockSize - key.count)
        let inner = SHA256Hasher.digest(of: key.map { $0 ^ 0x36 } + Array(text.utf8))
        return SHA256Hasher.digest(of: key.map { $0 ^ 0x5C } + inner.bytes)
    }
}
