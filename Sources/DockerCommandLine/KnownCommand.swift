/// What is known of a command's flags before the argument parser reads them.
///
/// The argument parser has its own rules for values and groups of letters, and looks up by reflection what a command
/// takes. Docker's rules need to know which flags take values, also of those that are refused; the same table makes
/// `docs/docker-compatibility.md`. A test compares it with the argument parser and with Docker's client.
struct KnownCommand: Sendable {
    /// As it is typed: one word, or two.
    let name: String
    /// The command of Docker that it stands for.
    var docker: String?
    let flags: [CommandFlag]
    /// Which of its arguments belong to another program, flags among them.
    var foreign: ForeignArguments?

    enum ForeignArguments: Sendable {
        /// Everything from the first one on.
        case all
        case behindFirst
    }

    init(_ name: String, docker: String? = nil, foreign: ForeignArguments? = nil, _ flags: [CommandFlag]) {
        self.name = name
        self.docker = docker
        self.flags = flags
        self.foreign = foreign
    }

    func flag(named name: some StringProtocol) -> CommandFlag? { name.isEmpty ? nil : flags.first { $0.name == name } }

    func flag(letter: Character) -> CommandFlag? { flags.first { $0.letter == letter } }

    /// `nil` for anything but a command.
    static func named(_ name: String) -> KnownCommand? {
        switch name {
        case "build": KnownCommand("build", docker: "docker build", build)
        case "run": KnownCommand("run", docker: "docker run", foreign: .behindFirst, run)
        case "check-cache": KnownCommand("check-cache", build + [.option("format", nil, .own)])
        case "debug-shell": KnownCommand("debug-shell", foreign: .all, [root, .option("build", nil, .own)])
        default:
            (containerCommands + networkCommands + volumeCommands + composeCommands + imageCommands + ownCommands).first
            {
                $0.name == name
            }
        }
    }

    static let all =
        ["build", "run", "check-cache", "debug-shell"].compactMap(named) + containerCommands + networkCommands
        + volumeCommands + composeCommands + imageCommands
        + ownCommands

    /// All commands as they are typed, those of groups with two words.
    static let names = all.map(\.name)

    /// What a command line may begin with.
    static let verbs = all.map(\.words[0]).uniqued + ["help"]

    /// The first words of the commands that have two.
    static let groups = all.filter { $0.words.count > 1 }.map(\.words[0]).uniqued

    private var words: [String] { name.split(separator: " ").map(String.init) }

    static let root = CommandFlag.option("root", nil, .own)
}

extension [String] {
    fileprivate var uniqued: [String] { enumerated().filter { firstIndex(of: $0.element) == $0.offset }.map(\.element) }
}
