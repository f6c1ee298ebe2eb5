internal import Reporting

/// A command of Docker, and what stands for it here.
struct DockerCommand: Sendable {
    enum Counterpart: Sendable, Equatable {
        case command(String)
        /// Why there is none.
        case none(String)
    }

    /// The words behind `docker`.
    let words: String
    let counterpart: Counterpart

    private init(_ words: String, _ counterpart: Counterpart) {
        self.words = words
        self.counterpart = counterpart
    }

    /// The one that begins a command line, the longest first.
    static func beginning(_ words: some Collection<String>) -> DockerCommand? {
        let pair = words.prefix(2).joined(separator: " ")
        return all.first { $0.words == pair } ?? all.first { $0.words == words.first }
    }

    /// The command here that stands for exactly these words of Docker's.
    static func counterpart(of words: some Collection<String>) -> String? {
        let text = words.joined(separator: " ")
        guard case .command(let name)? = all.first(where: { $0.words == text })?.counterpart else { return nil }
        return name
    }

    static let all: [DockerCommand] =
        [
            ("build", "build"), ("builder build", "build"), ("buildx b", "build"), ("buildx build", "build"),
            ("image build", "build"), ("run", "run"), ("container run", "run"), ("images", "images"),
            ("image ls", "images"), ("image list", "images"), ("image inspect", "inspect --type=image"),
            ("container inspect", "inspect --type=container"), ("inspect", "inspect"),
            ("image history", "history"), ("history", "history"), ("image tag", "tag"), ("tag", "tag"),
            ("image rm", "rmi"), ("image remove", "rmi"), ("rmi", "rmi"), ("image save", "save"), ("save", "save"),
            ("image load", "load"), ("load", "load"), ("image import", "import"), ("import", "import"),
            ("image pull", "pull"), ("pull", "pull"), ("image push", "push"), ("push", "push"), ("login", "login"),
            ("logout", "logout"), ("image prune", "prune"), ("builder prune", "prune --all"),
            ("buildx prune", "prune --all"), ("system prune", "system prune"), ("system df", "system df"),
            ("buildx du", "df"),
            ("info", "doctor"), ("system info", "doctor"), ("version", "version"), ("buildx version", "version"),
            ("image", "images"), ("buildx", "build"), ("builder", "build"),
            ("buildx imagetools create", "index create"), ("buildx imagetools", "index"),
            ("buildx history", "explain"), ("buildx imagetools inspect", "inspect"),
            ("container ls", "ps"), ("container list", "ps"), ("container ps", "ps"),
            ("container create", "create"), ("container start", "start"), ("container stop", "stop"),
            ("container restart", "restart"), ("container kill", "kill"), ("container rm", "rm"),
            ("container remove", "rm"), ("container rename", "rename"), ("events", "events"),
            ("system events", "events"), ("top", "top"), ("container top", "top"),
            ("stats", "stats"), ("container stats", "stats"), ("container exec", "exec"),
            ("container attach", "attach"), ("container logs", "logs"), ("container wait", "wait"),
            ("container prune", "container prune"), ("volume create", "volume create"),
            ("volume ls", "volume ls"), ("volume list", "volume ls"), ("volume inspect", "volume inspect"),
            ("volume rm", "volume rm"), ("volume remove", "volume rm"), ("volume prune", "volume prune"),
            ("container pause", "pause"), ("container unpause", "unpause"), ("manifest", "index"),
            ("container port", "port"), ("network", "network ls"), ("network create", "network create"),
            ("network connect", "network connect"), ("network disconnect", "network disconnect"),
            ("network inspect", "network inspect"), ("network ls", "network ls"), ("network list", "network ls"),
            ("network prune", "network prune"), ("network rm", "network rm"), ("network remove", "network rm"),
            ("port", "port"), ("diff", "diff"), ("container diff", "diff"), ("cp", "cp"), ("container cp", "cp"),
            ("commit", "commit"), ("container commit", "commit"), ("export", "export"), ("container export", "export"),
            ("manifest create", "index create"), ("manifest push", "index push"),
            ("manifest inspect", "inspect"), ("compose convert", "compose config"),
        ].map { DockerCommand($0.0, .command($0.1)) }
        + [
            "config", "build", "pull", "push", "images", "watch", "version", "up", "down", "run", "exec", "ps", "logs",
            "start", "stop", "restart", "kill", "rm", "create", "scale", "pause", "unpause", "wait", "port", "top",
            "events", "ls", "cp",
        ].map { DockerCommand("compose \($0)", .command("compose \($0)")) }
        + [
            "update", "container update",
        ].map { DockerCommand($0, .none("not supported yet")) }
        + [
            DockerCommand("search", .none("registries are searched on their web pages")),
            DockerCommand("buildx bake", .none("build each target separately")),
            DockerCommand("buildx create", .none("there are no builders to choose from")),
            DockerCommand("buildx use", .none("there are no builders to choose from")),
            DockerCommand("buildx ls", .none("there are no builders to choose from")),
            DockerCommand("swarm", .none("one machine only")),
            DockerCommand("service", .none("one machine only")),
            DockerCommand("stack", .none("one machine only")),
            DockerCommand("node", .none("one machine only")),
            DockerCommand("secret", .none("`build --secret` gives secrets to RUN")),
            DockerCommand("config", .none("one machine only")),
            DockerCommand("plugin", .none("there are no plugins")),
            DockerCommand("trust", .none("images are verified by digest only")),
        ]
}

extension UserError {
    /// What is said of words that are not a command.
    ///
    /// - Parameter words: The first ones of the command line, as far as they could be a command.
    static func unknownCommand(_ words: [String]) -> UserError {
        func failure(_ name: String, _ reason: String) -> UserError {
            UserError(
                "unknown command `\(name)`\(reason)",
                hints: ["`swiftbuild help` lists the commands"],
                status: .usage
            )
        }
        if let docker = DockerCommand.beginning(words) {
            switch docker.counterpart {
            case .command(let name): return failure(docker.words, "; did you mean `\(name)`?")
            case .none(let reason): return failure(docker.words, ": \(reason)")
            }
        }
        let isInGroup = words.first.map(KnownCommand.groups.contains) ?? false
        let name = words.prefix(isInGroup ? 2 : 1).joined(separator: " ")
        let known = isInGroup ? KnownCommand.names : KnownCommand.verbs
        let nearest = SpellingSuggestion.closest(to: name, in: known)
        return failure(name, nearest.map { "; did you mean `\($0)`?" } ?? "")
    }
}
