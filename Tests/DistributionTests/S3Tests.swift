import ContentStore
import HTTPTransport
import OCI
import RemoteAddresses
import Testing

@testable import Distribution

@Suite("A bucket")
struct S3Tests {
    @Test("is signed for as the examples of S3's documentation are")
    func signature() throws {
        let signature = S3Signature(
            region: "us-east-1",
            accessKey: "AKIAIOSFODNN7EXAMPLE",
            secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            sessionToken: nil
        )
        var request = HTTPRequest(.get, try WebAddress(parsing: "https://examplebucket.s3.amazonaws.com/?lifecycle="))
        signature.sign(&request, payload: SHA256Hasher.digest(of: []), at: Timestamp(text: "2013-05-24T00:00:00Z"))
        let expected = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        #expect(request.authorization?.hasSuffix("Signature=\(expected)") == true, "\(request)")
    }

    @Test(
        "is an address by its name or by that of its server, and is logged in to as is said or as the environment says"
    )
    func bucket() throws {
        func bucket(_ text: String) throws -> S3Bucket? {
            guard case .bucket(let bucket) = try CacheLocation(parsing: text, .from).place else { return nil }
            return bucket
        }
        let plain = try #require(try bucket("type=s3,bucket=b,region=eu-west-1"))
        #expect("\(plain.address)" == "https://b.s3.eu-west-1.amazonaws.com/" && plain.signature([:]) == nil)
        let environment = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"]
        #expect(plain.signature(environment)?.sessionToken == "t")
        let own = try #require(
            try bucket("type=s3,bucket=b,endpoint_url=http://host:9/,prefix=c/d/,access_key_id=x,secret_access_key=y")
        )
        #expect("\(own.address)" == "http://host:9/b/c/d")
        let signature = try #require(own.signature(environment))
        #expect(signature.accessKey == "x" && signature.secretKey == "y" && signature.sessionToken == nil)
        let secret = #expect(throws: CacheLocation.Invalid.self) {
            try CacheLocation(parsing: "type=s3,bucket=b,colour=red,secret_access_key=s3cret", .to)
        }
        #expect(secret.map { "\($0)" }?.contains("s3cret") == false)
        for wrong in ["type=s3", "type=s3,bucket=b,colour=red", "type=s3,bucket=b,endpoint_url=nonsense"] {
            #expect(throws: CacheLocation.Invalid.self, "\(wrong)") { try CacheLocation(parsing: wrong, .from) }
        }
    }
}
