internal import Foundation
internal import SystemPackage

/// An image read straight out of the store's OCI image layout, without the builder's help.
struct BuiltImage: Sendable {
    /// `sha256:` and the digest of the configuration.
    let id: String
    let configuration: JSON
    /// The members of each layer, lowest first.
    let layers: [[TarEntry]]
    /// The files of the image by path.
    let tree: [String: TarEntry]
    /// What the build said.
    let transcript: String

    /// The `config` member: environment, command, labels and so on.
    var config: JSON { configuration["config"] }

    init(id: String, store: FilePath, transcript: String) throws {
        self.id = id
        self.transcript = transcript
        func blob(_ digest: String) -> FilePath {
            store.appending("blobs").appending("sha256").appending(String(digest.dropFirst("sha256:".count)))
        }
        func json(_ path: FilePath) throws -> JSON {
            try JSONDecoder().decode(JSON.self, from: Data(try readFile(path)))
        }
        configuration = try json(blob(id))
        for descriptor in try json(store.appending("index.json"))["manifests"].elements {
            let manifest = try json(blob(descriptor["digest"].text ?? ""))
            guard manifest["config"]["digest"].text == id else { continue }
            layers = try manifest["layers"].elements.map {
                try TarArchive.read(readFile(blob($0["digest"].text ?? "")))
            }
            tree = BuiltImage.merged(layers)
            return
        }
        throw TestFailure("no manifest in index.json has the configuration \(id)")
    }

    /// The layers laid over each other by the rules of the image specification.
    private static func merged(_ layers: [[TarEntry]]) -> [String: TarEntry] {
        var tree: [String: TarEntry] = [:]
        for layer in layers {
            let isFirst = tree.isEmpty
            var files: [(path: String, entry: TarEntry)] = []
            for entry in layer {
                let path = entry.path
                let name = path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...]
                guard name.hasPrefix(".wh.") else {
                    files.append((path, entry))
                    continue
                }
                let parent = String(path.dropLast(name.utf8.count + 1))
                let removed = name == ".wh..wh..opq" ? parent : parent + "/" + name.dropFirst(4)
                tree = tree.filter { !$0.key.hasPrefix(removed + "/") }
                if name != ".wh..wh..opq" { tree[removed] = nil }
            }
            for (path, entry) in files {
                // Nothing is below a file of its own layer.
                if entry.kind != .directory, !isFirst { tree = tree.filter { !$0.key.hasPrefix(path + "/") } }
                tree[path] = entry
            }
        }
        tree["/"] = nil
        return tree
    }

    /// One line for each file at or below a path, sorted.
    func listing(_ path: String = "/") -> [String] {
        let below = path == "/" ? "/" : path + "/"
        return tree.values.filter { $0.path == path || $0.path.hasPrefix(below) }
            .sorted { $0.path < $1.path }.map(\.listing)
    }

    /// The text of a file in the image; hard links are followed.
    func text(_ path: String) throws -> String {
        guard let entry = tree[path] else {
            throw TestFailure("\(path) is not in the image; there are \(tree.keys.sorted())")
        }
        return entry.kind == .hardLink ? try text(TarEntry(name: entry.link, kind: .file).path) : entry.text
    }

    var environment: [String] { config["Env"].strings }
}
