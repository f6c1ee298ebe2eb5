public import ArgumentParser
public import Images

/// What every command takes.
public struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp("The directory of the store (or SWIFTBUILD_ROOT).", valueName: "dir")
    )
    public var root: String?

    public init() {}

    public var store: StoreLocation { StoreLocation(root) }
}
