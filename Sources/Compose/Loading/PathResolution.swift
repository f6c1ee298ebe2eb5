internal import SystemPackage

/// Makes the relative paths of one file absolute.
struct PathResolution {
    let directory: FilePath
    let home: String?

    func apply(to file: Node) -> Node {
        var file = file
        for path in [
            "services.*.env_file.*.path", "services.*.label_file.*", "services.*.develop.watch.*.path",
            "configs.*.file",
            "secrets.*.file",
        ] { file = file.updating(path, absolute) }
        for path in ["services.*.build.context", "services.*.build.additional_contexts.*"] {
            file = file.updating(path) { Self.isRemote($0.string ?? "") ? $0 : absolute($0) }
        }
        file = file.updating("services.*.build.ssh.*") { key in
            let parts = (key.string ?? "").split(separator: "=", maxSplits: 1).map(String.init)
            return parts.count == 2
                ? key.with(.string("\(parts[0])=\(absolute(key.with(.string(parts[1]))).string ?? "")")) : key
        }
        return file.updating("services.*.volumes.*") { mount in
            mount["type"]?.string == "bind" ? mount.updating("source", absolute) : mount
        }
    }

    private func absolute(_ node: Node) -> Node {
        guard let text = node.string, !text.isEmpty else { return node }
        return node.with(.string(PathText.absolute(text, in: directory, home: home)))
    }

    /// Contexts that are fetched, images, and other services.
    static func isRemote(_ text: String) -> Bool {
        text.contains("://") || text.hasPrefix("service:") || text.hasPrefix("git@") || text.hasPrefix("github.com/")
    }
}
