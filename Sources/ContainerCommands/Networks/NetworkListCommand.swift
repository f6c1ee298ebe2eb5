import ArgumentParser
import CommandSupport
import ContainerNetworks
import Containers
import Glibc
import OCI
import Reporting
import TerminalUI

/// `swiftbuild network ls`.
struct NetworkListCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List networks.",
        discussion: """
            Fields for --format: .ID, .Name, .Driver, .Scope, .Internal, .Labels, .CreatedAt.

            EXAMPLES:
              swiftbuild network ls
              swiftbuild network ls -q --filter driver=bridge
            """,
        aliases: ["list"]
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the IDs.")
    var isQuiet = false

    @Flag(name: .customLong("no-trunc"), help: "Show whole IDs.")
    var showsWhole = false

    @Option(
        name: [.customShort("f"), .customLong("filter")],
        help: ArgumentHelp(
            "Only some: name=TEXT, id=TEXT, driver=NAME, label=NAME[=VALUE], dangling=true, type=custom; may repeat.",
            valueName: "name=value"
        )
    )
    var filters: [String] = []

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let filters = try NamedFilters(filters, known: ["name", "id", "driver", "label", "dangling", "type"])
        let isDangling = try filters.isOn("dangling")
        let store = try global.containers()
        let used = isDangling == nil ? [] : try store.usedNetworks()
        let networks = try ListedNetwork.all(in: store.networks).filter { network in
            filters.accepts(labels: network.record?.labels ?? [:]) { name, value in
                switch name {
                case "name": NamedFilters.matches(value, network.name)
                case "id": NamedFilters.matches(value, "\(network.id)")
                case "driver": network.driver == value
                case "type": (network.isCustom ? "custom" : "builtin") == value
                default: isDangling == (network.isCustom && !used.contains(network.name))
                }
            }
        }
        guard !isQuiet else {
            for network in networks { Terminal.print(showsWhole ? "\(network.id)" : network.id.short) }
            return .success
        }
        try format.print(networks, fields, columns: ["ID", "Name", "Driver", "Scope"])
        return .success
    }

    private var fields: [RowFormat.Field<ListedNetwork>] {
        [
            .init("ID", "NETWORK ID") { showsWhole ? "\($0.id)" : $0.id.short },
            .init("Name", "NAME") { $0.name },
            .init("Driver", "DRIVER") { $0.driver },
            .init("Scope", "SCOPE") { _ in "local" },
            .init("Internal", "INTERNAL") { "\($0.record?.isInternal ?? false)" },
            .init("Labels", "LABELS") { network in
                (network.record?.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ",")
            },
            .init("CreatedAt", "CREATED AT") { $0.record.map { "\($0.created)" } ?? "" },
        ]
    }
}

/// A network as it is listed: one of the store, or what stands for the machine's and for none.
struct ListedNetwork {
    let id: ObjectID
    let name: String
    let driver: String
    /// `nil` where it has no interfaces of its own.
    let record: NetworkRecord?

    /// Whether a user has created it.
    var isCustom: Bool { record.map { !$0.isDefault } ?? false }

    init(_ record: NetworkRecord) {
        (id, name, driver, self.record) = (record.id, record.name, record.driver, record)
    }

    private init(_ name: String, driver: String) {
        (id, self.name, self.driver, record) = (NetworkRecord.fixedID(name), name, driver, nil)
    }

    static let host = ListedNetwork("host", driver: "host")
    static let none = ListedNetwork("none", driver: "null")

    /// By name.
    static func all(in store: NetworkStore) throws(NetworkError) -> [ListedNetwork] {
        (try store.list().map(ListedNetwork.init) + [host, none]).sorted { $0.name < $1.name }
    }
}
