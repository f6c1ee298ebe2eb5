import DockerfileSyntax

extension CheckRule {
    /// A stage is called `scratch` or `context`.
    static let reservedStageName = CheckRule("ReservedStageName") { (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let name = from.name, ["scratch", "context"].contains(name.text.lowercased()) else { return nil }
            return Finding("the stage name `\(name.text)` is reserved", in: instruction, at: name.range)
        }
    }
}
