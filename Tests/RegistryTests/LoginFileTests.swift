import FileSystem
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Registry

@Suite struct LoginFileTests {
    /// A file of logins with this content, gone after the test.
    @discardableResult
    private func withFile<Result>(_ text: String?, _ body: (FilePath) throws -> Result) throws -> Result {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        if let text { try scratch.write("config.json", text) }
        return try body(scratch.path.appending("config.json"))
    }

    private static let alice = Login.password(user: "alice", password: "pa:ss")

    @Test(
        "logins as tools keep them",
        arguments: [
            // alice:pa:ss
            (#"{"auths":{"reg.example":{"auth":"YWxpY2U6cGE6c3M="}}}"#, alice),
            (#"{"auths":{"https://reg.example":{"auth":"YWxpY2U6cGE6c3M"}}}"#, alice),
            (#"{"auths":{"https://reg.example/v1/":{"auth":"YWxpY2U6cGE6c3MA"}}}"#, alice),
            (#"{"auths":{"reg.example":{"username":"alice","password":"pa:ss"}}}"#, alice),
            (#"{"auths":{"reg.example":{"identitytoken":"t","auth":"YWxpY2U6cGE6c3M="}}}"#, .identityToken("t")),
            (#"{"auths":{"reg.example/team":{"auth":"YWxpY2U6cGE6c3M="},"reg.example":{"identitytoken":"t"}}}"#, alice),
            (
                #"{"auths":{"reg.example/team/app":{"auth":"YWxpY2U6cGE6c3M="},"reg.example/team":{"identitytoken":"t"}}}"#,
                alice
            ),
            (#"{"auths":{"reg.example/tea":{"identitytoken":"t"},"reg.example":{"auth":"YWxpY2U6cGE6c3M="}}}"#, alice),
            (#"{"auths":{"reg.example":{}}}"#, nil), (#"{"auths":{"reg.example":{"auth":"!"}}}"#, nil),
            (#"{"auths":{"reg.example":{"auth":"YWxpY2U="}}}"#, nil), (#"{"auths":{"reg.example":7}}"#, nil),
            (#"{"auths":[]}"#, nil), (#"{"auths":{"reg.example:443":{"identitytoken":"t"}}}"#, nil),
            (#"{"auths":{"evil.reg.example":{"identitytoken":"t"}}}"#, nil), ("{}", nil), (" \n", nil), ("", nil),
            (nil, nil),
        ] as [(String?, Login?)]
    )
    func logins(text: String?, login: Login?) throws {
        let found = try withFile(text) { try LoginFile($0).login(host: "reg.example", repository: "team/app") }
        #expect(found == login)
    }

    @Test(
        "a file that is no JSON object is an error",
        arguments: [
            "[", "[]", "7", "{\"auths\":{}", "{\u{1}}", "{\"a\":1e999}", String(repeating: "[", count: 100_000),
        ]
    )
    func malformed(text: String) throws {
        try withFile(text) { path in #expect(throws: LoginError.self) { try LoginFile(path) } }
    }

    @Test("a directory or a named pipe in its place is an error, and nothing waits")
    func otherKinds() throws {
        try withFile(nil) { path in
            mkfifo(path.string, 0o600)
            let error = #expect(throws: LoginError.self) { try LoginFile(path) }
            #expect(error.map { "\($0)" }?.contains("it is a named pipe") == true)
            try FileOperations.remove(path)
            try FileOperations.createDirectories(path)
            #expect(throws: LoginError.self) { try LoginFile(path) }
        }
    }

    @Test(
        "helpers",
        arguments: [
            (#"{"credsStore":"pass"}"#, "pass"), (#"{"credHelpers":{"reg.example":"ecr"},"credsStore":"pass"}"#, "ecr"),
            (#"{"credHelpers":{"other":"ecr"}}"#, nil), (#"{"credHelpers":{"reg.example":""},"credsStore":""}"#, nil),
            (#"{"credHelpers":7,"credsStore":[]}"#, nil),
        ] as [(String, String?)]
    )
    func helpers(text: String, name: String?) throws {
        #expect(try withFile(text) { try LoginFile($0).helper(for: "reg.example") } == name)
    }

    @Test("what else is in the file stays when a login is added and removed")
    func saving() throws {
        try withFile(#"{"auths":{"other":{"auth":"eDp5"}},"psFormat":"x"}"#) { path in
            var file = try LoginFile(path)
            let isAdded = file.set(LoginFileTests.alice, for: "reg.example")
            #expect(isAdded)
            try file.save()
            #expect(try LoginFile(path).login(host: "reg.example", repository: "") == LoginFileTests.alice)
            #expect(FileStatus.ifPresent(path)?.permissions == 0o600)
            var again = try LoginFile(path)
            let removals = [again.set(nil, for: "reg.example"), again.set(nil, for: "reg.example")]
            #expect(removals == [true, false])
            try again.save()
            let text = String(decoding: try FileOperations.read(path), as: UTF8.self)
            #expect(text.contains("psFormat") && text.contains("eDp5") && !text.contains("reg.example"))
        }
    }
}
