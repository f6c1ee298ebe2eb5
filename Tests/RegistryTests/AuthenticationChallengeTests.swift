import Testing

@testable import Registry

@Suite struct AuthenticationChallengeTests {
    private static let bearer = AuthenticationChallenge(
        scheme: "bearer",
        parameters: ["realm": "https://auth/token", "service": "reg", "scope": "repository:a/b:pull,push"]
    )

    @Test(
        "challenges as servers write them",
        arguments: [
            ("Bearer realm=\"https://auth/token\",service=\"reg\",scope=\"repository:a/b:pull,push\"", [bearer]),
            ("bEARER  Realm = \"https://auth/token\" ,\tSERVICE=reg , scope=\"repository:a/b:pull,push\"", [bearer]),
            ("Basic", [.init(scheme: "basic", parameters: [:])]),
            ("Basic realm=\"a, b=c\"", [.init(scheme: "basic", parameters: ["realm": "a, b=c"])]),
            ("Basic realm=\"say \\\"x\\\"\"", [.init(scheme: "basic", parameters: ["realm": "say \"x\""])]),
            (
                "Negotiate, Basic realm=x, Digest nonce=\"1\", qop=auth",
                [
                    .init(scheme: "negotiate", parameters: [:]), .init(scheme: "basic", parameters: ["realm": "x"]),
                    .init(scheme: "digest", parameters: ["nonce": "1", "qop": "auth"]),
                ]
            ),
            ("", []), (" , ,, ", []), ("=", []), ("\"", []), ("(x)", []),
            ("Basic realm=\"no end", [.init(scheme: "basic", parameters: ["realm": "no end"])]),
            ("Basic realm=\"x\\", [.init(scheme: "basic", parameters: ["realm": "x\\"])]),
            ("Basic realm=", [.init(scheme: "basic", parameters: ["realm": ""])]),
        ] as [(String, [AuthenticationChallenge])]
    )
    func parsing(field: String, challenges: [AuthenticationChallenge]) {
        #expect(AuthenticationChallenge.parse(field) == challenges)
    }

    @Test("a long field takes time in proportion")
    func length() {
        for part in ["a ", "a=b,", "a=\"\\\"\",", "a= "] {
            let field = String(repeating: part, count: 200_000)
            #expect(ContinuousClock().measure { _ = AuthenticationChallenge.parse(field) } < .seconds(10))
        }
    }

    @Test(
        "tokens as servers send them",
        arguments: [
            (#"{"token":"a","expires_in":300}"#, "a", 270), (#"{"access_token":"a"}"#, "a", 54),
            (#"{"token":"","access_token":"b"}"#, "b", 54), (#"{"token":7,"access_token":"b"}"#, "b", 54),
            (#"{"token":"a","expires_in":0}"#, "a", 54), (#"{"token":"a","expires_in":-1}"#, "a", 54),
            (#"{"token":"a","expires_in":1e308}"#, "a", 77_760), (#"{"token":"a","expires_in":"300"}"#, "a", 54),
            (#"{"token":"a","expires_in":90.5}"#, "a", 81),
            (#"{"token":"a","expires_in":9223372036854775808}"#, "a", 77_760),
            (#"{"token":"a","expires_in":null,"x":[1]}"#, "a", 54),
        ]
    )
    func tokens(answer: String, value: String, seconds: Double) throws {
        let token = try #require(AccessToken(Array(answer.utf8)))
        #expect(token.value == value)
        #expect(abs((token.end - .now) / .seconds(1) - seconds) < 5)
    }

    @Test(
        "what is no token",
        arguments: [
            "", "{", "[]", "{}", "null", "\"t\"", #"{"token":""}"#, #"{"token":null}"#, #"{"token":"a\nb"}"#,
            #"{"token":"a b"}"#, #"{"token":"é"}"#, #"{"token":["a"]}"#,
        ]
    )
    func noTokens(answer: String) { #expect(AccessToken(Array(answer.utf8)) == nil) }
}
