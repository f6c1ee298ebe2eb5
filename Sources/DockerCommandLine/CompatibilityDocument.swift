/// What of Docker's command line is understood, in Markdown.
public enum CompatibilityDocument {
    public static var text: String {
        """
        # Docker's command line here

        Made by `swiftbuild debug compatibility` from the tables by which command lines are read; tests compare these with
        the argument parser and with Docker's client.

        Flags are read as Docker's client reads them: `-tname`, `-t name`, `-t=name`, `--tag name` and `--tag=name` are the
        same, `-it` is `-i -t`, a switch may have a value (`--push=false`), and of several the last one counts. What is
        not supported is an error that names it.

        DOCKER_DEFAULT_PLATFORM, BUILDKIT_PROGRESS, DOCKER_CONFIG and SOURCE_DATE_EPOCH mean what they mean to Docker.

        ## Commands

        | Docker | Here |
        | --- | --- |
        \(DockerCommand.all.map(row).joined(separator: "\n"))

        """ + KnownCommand.all.filter { $0.docker != nil }.map(section).joined()
    }

    private static func row(_ command: DockerCommand) -> String {
        switch command.counterpart {
        case .command(let name): "| `docker \(command.words)` | `swiftbuild \(name)` |"
        case .none(let reason): "| `docker \(command.words)` | not supported: \(reason) |"
        }
    }

    private static func section(_ command: KnownCommand) -> String {
        let flags = command.flags.filter { $0.support != .own }.sorted { $0.text < $1.text }
        let own = command.flags.filter { $0.support == .own }.map { "`\($0.text)`" }.sorted()
        var text = "\n## \(command.docker ?? "")\n\n"
        if flags.isEmpty {
            text += "It has no flags.\n"
        } else {
            text += "| Flag | Here |\n| --- | --- |\n"
            for flag in flags {
                let letter = flag.letter.map { "`-\($0)`, " } ?? ""
                text += "| \(letter)`\(flag.text)` | \(meaning(flag.support)) |\n"
            }
        }
        if !own.isEmpty { text += "\nOnly here: \(own.joined(separator: ", ")).\n" }
        return text
    }

    private static func meaning(_ support: CommandFlag.Support) -> String {
        switch support {
        case .same, .own: "yes"
        case .different(let what): "yes: \(what)"
        case .ignored(let reason): "accepted without effect: \(reason)"
        case .missing(let reason): reason == "not supported yet" ? reason : "not supported: \(reason)"
        }
    }
}
