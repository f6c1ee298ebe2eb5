import BuildPlanning
import DockerfileSyntax

extension CheckRule {
    /// `FROM` uses an argument that no `ARG` before the first `FROM` declares.
    static let undefinedArgInFrom = CheckRule("UndefinedArgInFrom") { (file: CheckedDockerfile) in
        file.froms.flatMap { instruction, from in
            [from.platform, from.base].compactMap { $0 }.flatMap { word in
                let unset = (try? file.scope.expand(word))?.unsetNames ?? []
                return unset.filter { !file.scope.declared.contains($0) }.map { name in
                    Finding(
                        "FROM uses the undeclared argument `\(name)`",
                        in: instruction,
                        at: word.range,
                        label: file.scope.suggestion(for: name).map { "did you mean `\($0)`?" },
                        hints: ["declare it with ARG before the first FROM"]
                    )
                }
            }
        }
    }
}
