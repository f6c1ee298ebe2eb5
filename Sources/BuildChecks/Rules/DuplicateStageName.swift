import DockerfileSyntax
import Reporting

extension CheckRule {
    /// Two stages have the same name, in any case.
    static let duplicateStageName = CheckRule("DuplicateStageName") { (file: CheckedDockerfile) in
        var earlier: [String: Word] = [:]
        return file.froms.compactMap { instruction, from in
            guard let name = from.name else { return nil }
            let first = earlier.updateValue(name, forKey: name.text.lowercased())
            return first.map {
                Finding(
                    "there is an earlier stage called `\(name.text)`",
                    in: instruction,
                    at: name.range,
                    notes: [.init("it is declared here", at: $0.range)],
                    hints: ["a name refers to the nearest preceding stage that has it"]
                )
            }
        }
    }
}
