import RemoteAddresses
import Testing

@Suite struct WebAddressTests {
    @Test(
        "an address in its parts",
        arguments: [
            ("http://Example.com", "http://example.com/"), ("https://h:443/a", "https://h/a"),
            ("http://h:443/a", "http://h:443/a"), ("http://u:p@h/a b?c d#e", "http://h/a%20b?c%20d"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"), ("http://h?q", "http://h/?q"),
            ("http://h/%41%zz", "http://h/%41%zz"), ("http://h/ü", "http://h/%C3%BC"),
        ]
    )
    func description(text: String, expected: String) throws {
        #expect("\(try WebAddress(parsing: text))" == expected)
    }

    @Test(
        "what is no address",
        arguments: [
            "", "ftp://h/", "http://", "http://h:99999/", "http:///a", "http://a b/", "http://h/\n", "http://h\u{7f}/",
        ]
    )
    func malformed(text: String) {
        #expect(throws: AddressError.self) { try WebAddress(parsing: text) }
    }

    @Test("the error does not tell the password")
    func secret() {
        let error = #expect(throws: AddressError.self) { try WebAddress(parsing: "http://user:secret@h:x/") }
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test("credentials are decoded, and told by nothing but the field they are for")
    func credentials() throws {
        let address = try WebAddress(parsing: "http://user:pass%20word@h/")
        #expect(address.credentials?.password == "pass word")
        #expect(address.credentials?.basicAuthorization == "Basic dXNlcjpwYXNzIHdvcmQ=")
        #expect(!"\(address)".contains("pass"))
    }

    @Test(
        "where a redirect leads",
        arguments: [
            ("http://h/a/b?q", "c", "http://h/a/c"), ("http://h/a/b", "/c", "http://h/c"),
            ("http://h/a/b", "?c", "http://h/a/b?c"), ("http://h/a/b", "//g/c", "http://g/c"),
            ("http://h/a/b", "../c?d=../e", "http://h/c?d=../e"), ("http://h/a/b", "https://g/", "https://g/"),
            ("http://h/a", "../../..", "http://h/"),
        ]
    )
    func redirects(address: String, location: String, expected: String) throws {
        #expect("\(try WebAddress(parsing: address).resolving(location))" == expected)
    }

    @Test(
        "the name of a file",
        arguments: [
            ("http://h/a.txt", "a.txt"), ("http://h/a%20b", "a b"), ("http://h/a/", nil), ("http://h", nil),
            ("http://h/..", nil), ("http://h/a%2fb", nil), ("http://h/a?b/c", "a"), ("http://h/a%00", nil),
        ] as [(String, String?)]
    )
    func names(text: String, name: String?) throws {
        #expect(try WebAddress(parsing: text).fileName == name)
    }
}

@Suite struct GitAddressTests {
    private func parse(_ text: String) throws -> GitAddress {
        try #require(try GitAddress(parsing: text, isContext: true))
    }

    @Test(
        "what is a repository, and what git is told",
        arguments: [
            ("https://h/r.git", "https://h/r.git"), ("https://u:p@h/r.git#v1", "https://h/r.git"),
            ("git://h/r", "git://h/r"), ("ssh://git@h:2222/r", "ssh://git@h:2222/r"),
            ("git@h:team/r.git", "git@h:team/r.git"),
            ("github.com/user/repo", "https://github.com/user/repo"), ("file:///tmp/r", "file:///tmp/r"),
            ("http://h/r.git?branch=b", "http://h/r.git"),
        ]
    )
    func remotes(text: String, remote: String) throws {
        #expect(try parse(text).remote == remote)
    }

    @Test(
        "what is none",
        arguments: [
            "a", "./a", "/a/b", "https://h/a", "https://h/a.tar.gz", "a:b", "@a:b", "-o@h:r", "ext::sh -c x", "C:/x",
        ]
    )
    func others(text: String) throws {
        #expect(try GitAddress(parsing: text, isContext: true) == nil)
    }

    @Test("repositories of the machine and short names are for the command line only")
    func local() throws {
        for text in ["file:///tmp/r.git", "github.com/a/b"] { #expect(try GitAddress(parsing: text) == nil) }
    }

    @Test(
        "reference and directory in both forms",
        arguments: [
            ("#v1", "v1", ""), ("#v1:a/b", "v1", "a/b"), ("#:a", nil, "a"), ("#", nil, ""),
            ("#v1:../../a/./b", "v1", "a/b"),
            ("?ref=v1&subdir=a", "v1", "a"), ("?branch=b", "refs/heads/b", ""), ("?tag=t", "refs/tags/t", ""),
            ("?ref=a%2Fb", "a/b", ""),
        ] as [(String, String?, String)]
    )
    func places(suffix: String, reference: String?, directory: String) throws {
        let address = try parse("https://h/r.git" + suffix)
        #expect(address.reference == reference && address.subdirectory == directory)
    }

    @Test("the other parameters")
    func parameters() throws {
        let address = try parse("https://h/r.git?commit=ABCDEF0&keep-git-dir=true&submodules=false")
        #expect(address.commit == "abcdef0" && address.keepsGitDirectory == true && !address.fetchesSubmodules)
        let plain = try parse("https://h/r.git")
        #expect(plain.commit == nil && plain.keepsGitDirectory == nil && plain.fetchesSubmodules)
    }

    @Test(
        "parameters that make no sense",
        arguments: [
            "?what=1", "?branch=a&tag=b", "?commit=xyz1234", "?commit=12", "?keep-git-dir=maybe", "?ref=a&ref=b",
            "?ref=-x",
            "#--upload-pack=x", "#a..b", "?ref=a#b", "#a b", "?ref=",
        ]
    )
    func wrong(suffix: String) {
        #expect(throws: AddressError.self) { try GitAddress(parsing: "https://h/r.git" + suffix) }
    }
}
