import ContentStore
import FileSystem
import HTTPTransport
import OCI
import RemoteAddresses
import TestSupport
import Testing

@testable import RemoteSources

@Suite("A file on a server")
struct RemoteFilesTests {
    private let scratch: ScratchDirectory
    private let store: Store
    private let address: WebAddress

    init() throws {
        scratch = try ScratchDirectory()
        store = try Store(root: scratch.path)
        address = try WebAddress(parsing: "https://user:secret@h/f")
    }

    private func files(_ servers: ScriptedServers) -> RemoteFiles {
        RemoteFiles(store, session: HTTPSession(servers, firstPause: 0))
    }

    private func digest(_ text: String) -> Digest { SHA256Hasher.digest(of: text) }

    /// Has a file with these fields, which did not change since.
    private func server(_ fields: HTTPFields, _ text: String = "content") -> ScriptedServers {
        ScriptedServers { sent in
            let isKnown = sent.fields["If-None-Match"] != nil || sent.fields["If-Modified-Since"] != nil
            return isKnown ? .init(status: 304) : .init(status: 200, fields: fields, body: text)
        }
    }

    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    @Test(
        "is downloaded once, and then asked about by what the server said of it",
        arguments: [
            (["ETag": "\"1\"", "Last-Modified": date], "If-None-Match", "\"1\"", 784_111_777),
            (["ETag": "W/\"1\""], "If-None-Match", "W/\"1\"", 0),
            (["Last-Modified": date], "If-Modified-Since", date, 784_111_777),
        ] as [([String: String], String, String, Int64)]
    )
    func revalidation(fields: [String: String], name: String, value: String, modified: Int64) async throws {
        var sent = HTTPFields()
        for (name, value) in fields { sent.append(name, value) }
        let servers = server(sent)
        for count in 1...2 {
            let file = try await files(servers).resolve(address)
            #expect(file.digest == digest("content") && file.modified == modified)
            #expect(servers.requests.count == count && servers.requests[0].authorization != nil)
            let content = try await files(servers).content(of: file)
            #expect(try FileOperations.read(content.path) == Array("content".utf8))
            #expect(content.size == 7 && content.modified == modified)
        }
        #expect(servers.requests[0].fields.list.isEmpty)
        #expect(servers.requests[1].fields.list.map { "\($0): \($1)" } == ["\(name): \(value)"])
        _ = try await files(servers).resolve(address, isRevalidated: false)
        #expect(servers.requests[2].fields.list.isEmpty)
    }

    @Test("is downloaded again where its content was lost")
    func lost() async throws {
        let servers = server(["ETag": "\"1\""])
        let file = try await files(servers).resolve(address)
        try FileOperations.remove(store.blobs.path(file.digest))
        #expect(try await files(servers).resolve(address).digest == file.digest)
        #expect(servers.requests.allSatisfy { $0.fields["If-None-Match"] == nil })
        try FileOperations.remove(store.blobs.path(file.digest))
        #expect(try await files(servers).content(of: file).size == 7)
    }

    @Test("with a checksum is not asked for before it is needed, and nothing else is taken for it")
    func checksums() async throws {
        let servers = server([:])
        let right = try await files(servers).resolve(address, checksum: digest("content"))
        #expect(right.digest == digest("content") && right.modified == 0 && servers.requests.isEmpty)
        #expect(try await files(servers).content(of: right).size == 7)
        #expect(servers.requests.count == 1)
        let wrong = try await files(servers).resolve(address, checksum: digest("other"))
        await #expect(
            throws: RemoteSourceError.checksum(address, expected: digest("other"), actual: digest("content"))
        ) { try await files(servers).content(of: wrong) }
    }

    @Test("is an error where the answer is not the file", arguments: [204, 206, 304, 403, 404, 410, 500])
    func statuses(status: Int) async throws {
        let servers = ScriptedServers { _ in .init(status: status, body: "words") }
        await #expect(throws: RemoteSourceError.http(.status(address, status))) {
            try await files(servers).resolve(address)
        }
        #expect(store.blobs.size(digest("words")) == nil)
    }
}
