import BuildPlanning
import DockerfileSyntax
import Reporting

extension CheckRule {
    /// `FROM` uses an argument that no `ARG` before the first `FROM` declares.
    static let undefinedArgInFrom = CheckRule("UndefinedArgInFrom") { (file: CheckedDockerfile) in
        file.froms.flatMap { instruction, from in
            [from.platform, from.base].compactMap { $0 }.flatMap { word in
                let unset = (try? file.scope.expand(word))?.unsetNames ?? []
                return unset.filter { !file.scope.declared.contains($0) }.map { name in
                    let known = file.scope.declared.union(file.scope.values.keys).sorted()
                    return Finding(
                        "FROM uses the undeclared argument `\(name)`",
                        in: instruction,
                        at: word.range,
                        label: SpellingSuggestion.closest(to: name, in: known).map { "did you mean `\($0)`?" },
                        hints: ["declare it with ARG before the first FROM"]
                    )
                }
            }
        }
    }
}
