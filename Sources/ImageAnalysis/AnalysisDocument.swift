internal import FileSystem
internal import Layers
public import OCI
public import Tar

/// An analysis for programs; layers are numbered from 1, the lowest.
public struct AnalysisDocument: Encodable {
    private let analysis: ImageAnalysis
    private let image: Digest
    private let place: (Int) -> (dockerfile: String, line: Int)?

    /// - Parameter place: Which line of which Dockerfile made a layer, counted from the lowest.
    public init(_ analysis: ImageAnalysis, of image: Digest, place: @escaping (Int) -> (dockerfile: String, line: Int)?)
    {
        self.analysis = analysis
        self.image = image
        self.place = place
    }

    public func encode(to encoder: any Encoder) throws {
        let layers = analysis.layers.enumerated().map { position, layer in
            let place = place(position)
            return JSONValue.object([
                "layer": .integer(Int64(position + 1)),
                "dockerfile": place.map { .string($0.dockerfile) } ?? .null,
                "line": place.map { .integer(Int64($0.line)) } ?? .null,
                "diffID": .string("\(layer.diffID)"),
                "created": (layer.history?.created).map { .string("\($0)") } ?? .null,
                "instruction": layer.history.map { .string($0.instruction) } ?? .null,
                "bytes": .integer(layer.bytes),
                "wastedBytes": .integer(layer.wastedBytes),
                "hiddenBytes": .integer(layer.hiddenBytes),
                "changes": .list(layer.changes.map(\.document)),
            ])
        }
        let hidden = analysis.hiddenFiles.map { file in
            JSONValue.object(
                file.path.members.merging([
                    "size": .integer(file.size),
                    "layer": .integer(Int64(file.layer + 1)),
                    "hiddenByLayer": .integer(Int64(file.hidingLayer + 1)),
                ]) { $1 }
            )
        }
        try JSONValue.object([
            "image": .string("\(image)"),
            "bytes": .integer(analysis.bytes),
            "wastedBytes": .integer(analysis.wastedBytes),
            "efficiency": .number(analysis.efficiency),
            "layers": .list(layers),
            "wasted": .list(hidden),
        ]).encode(to: encoder)
    }
}

extension LayerChange {
    fileprivate var document: JSONValue {
        var members = entry.members
        switch kind {
        case .added: members["kind"] = .string("added")
        case .removed: members["kind"] = .string("removed")
        case .changed(let attributes):
            members["kind"] = .string("changed")
            members["attributes"] = .strings(attributes.map(\.rawValue))
        }
        return .object(members)
    }
}

extension LayerEntry {
    /// What documents tell of a file.
    public var members: [String: JSONValue] {
        var members = path.members
        members["type"] = .string(typeName)
        members["mode"] = .string(octalMode)
        members["uid"] = .integer(Int64(userID))
        members["gid"] = .integer(Int64(groupID))
        members["modified"] = .string("\(Timestamp(secondsSinceEpoch: modified))")
        if isFile {
            members["size"] = .integer(size)
            members["digest"] = contentDigest.map { .string("\($0)") }
        }
        if kind == .symbolicLink { members["target"] = .string(String(decoding: linkTarget, as: UTF8.self)) }
        if kind == .characterDevice || kind == .blockDevice { members["device"] = .string(device) }
        if !extendedAttributes.isEmpty {
            members["xattrs"] = .object(
                Dictionary(extendedAttributes.map { ($0.name, .string(hexadecimal($0.value))) }) { $1 }
            )
        }
        return members
    }

    public var device: String { "\(deviceMajor):\(deviceMinor)" }

    /// Four digits at least.
    public var octalMode: String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// What kind of file it is, in one word.
    public var typeName: String {
        switch kind {
        case .regular, .hardLink: "file"
        case .directory: "directory"
        case .symbolicLink: "link"
        case .characterDevice: "character-device"
        case .blockDevice: "block-device"
        case .fifo: "fifo"
        case .whiteout: "whiteout"
        }
    }
}

extension PathInRoot {
    /// `path`, and for one that is not UTF-8, where that is not exact, all its bytes as `pathHex`.
    public var members: [String: JSONValue] {
        let text = String(validating: bytes, as: UTF8.self)
        guard let text else { return ["path": .string(escaped), "pathHex": .string(hexadecimal(bytes))] }
        return ["path": .string("/" + text)]
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
