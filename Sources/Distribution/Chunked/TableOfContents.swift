internal import OCI

/// The list of all members of a layer with where their chunks are, as eStargz and zstd:chunked have it.
struct TableOfContents {
    /// A member, and what it holds.
    struct Entry {
        let member: TarMember
        /// Of all the content; `nil` where there is none.
        let digest: Digest?
        let chunks: ArraySlice<FrameTable.Frame>
    }

    let entries: [Entry]

    /// The members of a tar with the chunks that a writer made of them.
    init(_ writer: ChunkedWriter, _ frames: [FrameTable.Frame]) throws {
        var position = 0
        entries = try writer.members.map { member in
            let count = Int((member.size + Int64(ChunkedForm.chunkSize) - 1) / Int64(ChunkedForm.chunkSize))
            let chunks = frames[position..<(position + count)]
            position += count
            return Entry(
                member: member,
                digest: count == 0 ? nil : try writer.digest(of: member, chunks),
                chunks: chunks
            )
        }
    }

    /// `stargz.index.json` (stargz-snapshotter, estargz.md, "TOC and TOCEntries").
    ///
    /// - Parameter landmark: What goes before all others.
    func estargz(_ landmark: Entry) -> [UInt8] {
        var text = JSONText()
        text.open()
        text.integer("version", 1)
        text.beginList("entries")
        for entry in [landmark] + entries {
            text.open()
            describe(entry, &text)
            text.nonempty("userName", entry.member.userName)
            text.nonempty("groupName", entry.member.groupName)
            for (number, chunk) in entry.chunks.enumerated() {
                begin(chunk, number, of: entry, &text)
                text.nonzero("chunkOffset", Int64(number * ChunkedForm.chunkSize))
                // The last one has what is left of the file.
                if number + 1 < entry.chunks.count { text.integer("chunkSize", chunk.count) }
                text.text("chunkDigest", "\(chunk.digest)")
            }
            text.close()
        }
        text.endList()
        text.close()
        return text.bytes
    }

    /// The manifest of zstd:chunked (containers/storage, `pkg/chunked`).
    func zstd(tarSplit: Digest) -> [UInt8] {
        var text = JSONText()
        text.open()
        text.integer("version", 1)
        text.beginList("entries")
        for entry in entries {
            text.open()
            describe(entry, &text)
            if let time = entry.member.accessed { text.text("accesstime", Self.text(time)) }
            if let time = entry.member.changed { text.text("changetime", Self.text(time)) }
            if let last = entry.chunks.last { text.integer("endOffset", last.offset + last.length) }
            for (number, chunk) in entry.chunks.enumerated() {
                begin(chunk, number, of: entry, &text)
                guard entry.chunks.count > 1 else { continue }
                text.nonzero("chunkOffset", Int64(number * ChunkedForm.chunkSize))
                text.integer("chunkSize", chunk.count)
                text.text("chunkDigest", "\(chunk.digest)")
            }
            text.close()
        }
        text.endList()
        text.text("tarSplitDigest", "\(tarSplit)")
        text.close()
        return text.bytes
    }

    /// The first chunk is told of with its file, and each other one by itself.
    private func begin(_ chunk: FrameTable.Frame, _ number: Int, of entry: Entry, _ text: inout JSONText) {
        if number > 0 {
            text.close()
            text.open()
            text.text("type", "chunk")
            text.text("name", entry.member.name)
        }
        text.integer("offset", chunk.offset)
    }

    /// What both have.
    private func describe(_ entry: Entry, _ text: inout JSONText) {
        let member = entry.member
        text.text("type", member.kind.rawValue)
        text.text("name", member.name)
        text.nonempty("linkName", member.linkTarget)
        text.integer("mode", member.mode)
        text.nonzero("size", member.size)
        text.integer("uid", member.userID)
        text.integer("gid", member.groupID)
        text.text("modtime", Self.text(member.modified))
        text.nonzero("devMajor", member.deviceMajor)
        text.nonzero("devMinor", member.deviceMinor)
        text.data("xattrs", member.attributes)
        if let digest = entry.digest { text.text("digest", "\(digest)") }
    }

    private static func text(_ time: TarMember.Time) -> String {
        let whole = Timestamp(secondsSinceEpoch: time.seconds).description
        guard time.nanoseconds > 0 else { return whole }
        let digits = String(time.nanoseconds)
        return "\(whole.dropLast()).\(String(repeating: "0", count: 9 - digits.count))\(digits)Z"
    }
}
