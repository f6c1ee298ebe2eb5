import ContentStore
import OCI
import SystemPackage
import Testing

@testable import Distribution

@Suite("A place of a shared cache")
struct CacheLocationTests {
    @Test(
        "is a repository, with a prefix for its tags where one is named",
        arguments: [
            ("reg.example/cache", "reg.example/cache", nil), ("reg.example/cache:main", "reg.example/cache", "main"),
            ("reg.example:5000/cache", "reg.example:5000/cache", nil), ("user/cache:latest", "user/cache", "latest"),
            ("type=registry,ref=reg.example/cache", "reg.example/cache", nil),
            ("ref=reg.example/cache:x,type=registry,mode=max,image-manifest=true", "reg.example/cache", "x"),
        ] as [(String, String, String?)]
    )
    func registry(text: String, repository: String, prefix: String?) throws {
        for direction in [CacheLocation.Direction.from, .to] {
            let location = try CacheLocation(parsing: text, direction)
            #expect(location.repository?.familiarRepository == repository)
            guard case .registry(_, let found) = location.place else {
                Issue.record("\(location)")
                return
            }
            #expect(found == prefix && location.compression == .gzip(level: 6))
        }
    }

    @Test(
        "is a directory, by another name for reading than for writing",
        arguments: [("type=local,src=/a b", CacheLocation.Direction.from, "/a b"), ("dest=c=d,type=local", .to, "c=d")]
    )
    func directory(text: String, direction: CacheLocation.Direction, path: String) throws {
        let location = try CacheLocation(parsing: text, direction)
        #expect(location.place == .directory(FilePath(path)) && location.repository == nil)
    }

    @Test(
        "says how layers are compressed there",
        arguments: [
            ("compression=zstd", LayerCompression.zstd(level: 3)),
            ("compression=gzip,compression-level=1", .gzip(level: 1)),
            ("compression-level=9", .gzip(level: 9)), ("compression=zstd,compression-level=19", .zstd(level: 19)),
            ("compression=uncompressed", .uncompressed), ("compression=zstd:chunked", .zstdChunked(level: 3)),
        ]
    )
    func compression(options: String, compression: LayerCompression) throws {
        #expect(try CacheLocation(parsing: "type=local,dest=/c,\(options)", .to).compression == compression)
    }

    @Test(
        "says whether directories of cache mounts go along, which, and up to which size",
        arguments: [
            ("", nil), (",cache-mounts=false", nil), (",cache-mounts=true", SharedMountOptions()),
            (",cache-mounts-scope=a/b,cache-mounts=true", SharedMountOptions(scope: "a/b")),
            (",cache-mounts=true,cache-mounts-limit=1.5GB", SharedMountOptions(limit: 1_500_000_000)),
        ] as [(String, SharedMountOptions?)]
    )
    func mounts(options: String, expected: SharedMountOptions?) throws {
        #expect(try CacheLocation(parsing: "type=local,dest=/c\(options)", .to).mounts == expected)
    }

    @Test(
        "is refused, with the reason, where it is not one",
        arguments: [
            ("ref=reg.example/a", "`type` is missing"),
            ("type=gha", "not supported: use type=local with a directory that actions/cache keeps"),
            ("type=inline", "use type=registry"),
            ("type=azblob", "use type=http"),
            ("type=ftp", "known are registry, http, s3 and local"),
            ("type=registry", "`ref` is missing"), ("type=local,dest=/c", "`src` is missing"),
            ("type=local,src=", "has no value"), ("type=local,src", "has no value"),
            ("type=local,src=/c,", "has no value"),
            ("type=local,src=/c,tag=x", "unknown key `tag`"), ("type=local,src=/c,mode=min", "mode=min"),
            ("type=local,src=/c,compression=lz4", "unknown compression `lz4`"),
            ("type=local,src=/c,compression=estargz", "`compression=zstd:chunked` does not"),
            ("type=local,src=/c,compression-level=10", "of level 10"),
            ("type=local,src=/c,compression-level=x", "of level x"),
            ("type=local,src=/c,compression=zstd,compression-level=20", "of level 20"),
            ("type=local,src=/c,cache-mounts=yes", "expected true or false"),
            ("type=local,src=/c,cache-mounts-scope=x", "`cache-mounts-scope` needs `cache-mounts=true`"),
            ("type=local,src=/c,cache-mounts=true,cache-mounts-limit=1GB", "unknown key `cache-mounts-limit`"),
            ("type=registry,ref=UPPER", "lowercase"), ("", "is empty"),
            ("a@sha256:" + String(repeating: "0", count: 64), "no digest"),
            ("a:" + String(repeating: "t", count: 64), "longer than 63"),
        ]
    )
    func refused(text: String, words: String) {
        let error = #expect(throws: CacheLocation.Invalid.self) { try CacheLocation(parsing: text, .from) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
}

@Suite("A compression of layers")
struct LayerCompressionTests {
    @Test(
        "has a name and a range of levels",
        arguments: [
            ("gzip", nil, .gzip(level: 6)), ("gzip", 1, .gzip(level: 1)), ("gzip", 9, .gzip(level: 9)),
            ("gzip", 0, nil), ("gzip", 10, nil), ("zstd", nil, .zstd(level: 3)), ("zstd", 19, .zstd(level: 19)),
            ("zstd", 0, nil), ("zstd", 20, nil), ("uncompressed", nil, .uncompressed), ("none", nil, .uncompressed),
            ("uncompressed", 1, nil), ("GZIP", nil, nil), ("", nil, nil),
            ("estargz", nil, .estargz(level: 6)), ("estargz", 9, .estargz(level: 9)), ("estargz", 10, nil),
            ("zstd:chunked", nil, .zstdChunked(level: 3)), ("zstd:chunked", 19, .zstdChunked(level: 19)),
            ("zstd:chunked", 20, nil),
        ] as [(String, Int?, LayerCompression?)]
    )
    func levels(name: String, level: Int?, expected: LayerCompression?) {
        #expect((try? LayerCompression(name, level: level)) == expected)
    }

    @Test("is a server, whose name shows no password")
    func server() throws {
        for direction in [CacheLocation.Direction.from, .to] {
            let location = try CacheLocation(parsing: "type=http,url=https://me:secret@cache.example/a", direction)
            guard case .server(let address) = location.place else {
                Issue.record("\(location)")
                return
            }
            #expect("\(address)" == "https://cache.example/a")
            #expect(try location != CacheLocation(parsing: "type=http,url=https://cache.example/a", direction))
        }
        #expect(throws: CacheLocation.Invalid.self) { try CacheLocation(parsing: "type=http,url=nonsense", .from) }
    }
}

@Suite("An entry on a server of Bazel's protocol")
struct ActionResultTests {
    private let blob = Descriptor(mediaType: .layerGzip, digest: SHA256Hasher.digest(of: [1]), size: 300)

    @Test("gives the manifest back that was put in", arguments: [0, 1, 127, 128, 70_000])
    func roundTrip(count: Int) {
        let manifest = [UInt8](repeating: 7, count: count)
        for parts in [[], [blob], [blob, blob]] {
            #expect(ActionResult.manifest(ActionResult.encode(manifest, parts)) == manifest)
        }
    }

    @Test("that is cut anywhere has no manifest")
    func cut() {
        let bytes = ActionResult.encode(Array("{}".utf8), [blob])
        for count in 0..<bytes.count { #expect(ActionResult.manifest(Array(bytes.prefix(count))) == nil) }
        #expect(ActionResult.manifest([0x2A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]) == nil)
    }
}
