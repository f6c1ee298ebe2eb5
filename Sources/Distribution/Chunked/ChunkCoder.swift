internal import CCompression
internal import ContentStore
internal import OCI

/// How the parts of a layer are compressed that readers fetch one by one.
enum ChunkedForm: Hashable {
    /// eStargz, with a level of libdeflate.
    case estargz(level: Int)
    /// zstd:chunked.
    case zstd(level: Int)

    /// What a file is cut into at most, as by stargz-snapshotter.
    static let chunkSize = 4 << 20

    /// Everything beside the content that decides about the bytes.
    var identity: Digest {
        let text = "\(self), zstd \(ZSTD_versionNumber()), libdeflate \(LIBDEFLATE_VERSION_STRING)"
        return SHA256Hasher.digest(of: text)
    }
}

/// Compresses parts of a layer, each by itself: as a gzip member or a zstd frame.
///
/// One thread has it at a time.
final class ChunkCoder: @unchecked Sendable {
    private let gzip: GzipCoder?
    private let zstd: OpaquePointer?

    init(_ form: ChunkedForm) {
        switch form {
        case .estargz(let level):
            gzip = GzipCoder(level: level)
            zstd = nil
        case .zstd(let level):
            guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd needs memory") }
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
            gzip = nil
            zstd = context
        }
    }

    deinit { if let zstd { ZSTD_freeCCtx(zstd) } }

    func frame(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        if let gzip { return gzip.member(bytes) }
        guard let zstd else { preconditionFailure("there is one of both") }
        let bound = ZSTD_compressBound(bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, written in
            written = ZSTD_compress2(zstd, buffer.baseAddress, bound, bytes.baseAddress, bytes.count)
            precondition(ZSTD_isError(written) == 0, "zstd's bound holds")
        }
    }
}
