import ArgumentParser
import Images

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp("The directory of the store (or SWIFTBUILD_ROOT).", valueName: "dir")
    )
    var root: String?

    var store: StoreLocation { StoreLocation(root) }
}
