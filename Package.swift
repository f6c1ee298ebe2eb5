// swift-tools-version: 6.1
import PackageDescription

// The graph is acyclic and one-way; `docs/architecture.md` draws it and `DependencyRulesTests` checks it.

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
/// The HTTP client, and the modules of its own packages whose types its interface has.
let asyncHTTPClient: [Target.Dependency] = [
    .product(name: "AsyncHTTPClient", package: "async-http-client"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let deques: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heaps: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// A library target of the engine.
///
/// - Parameter staticLibraries: C libraries of the system that become part of the binary
///   (`docs/decisions/0008-c-libraries-linked-statically.md`).
func library(_ name: String, _ dependencies: [Target.Dependency], staticLibraries: [String] = []) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        swiftSettings: swiftSettings,
        linkerSettings: staticLibraries.map { .linkedLibrary(":lib\($0).a") }
    )
}

/// The tests of one library target, with its fixture directories if it has any.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], fixtures: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.init(stringLiteral: name)] + dependencies,
        resources: fixtures.map { .copy($0) },
        swiftSettings: swiftSettings
    )
}

let package = Package(
    name: "swiftbuild",
    products: [.executable(name: "swiftbuild", targets: ["swiftbuild"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
    ],
    targets: [
        .systemLibrary(name: "CArchive"),
        .systemLibrary(name: "CCompression"),
        .systemLibrary(name: "CCrypto"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSeccomp"),
        .systemLibrary(name: "CYAML"),
        .target(name: "CSandbox"),

        library("Threads", [deques]),
        library("FileSystem", ["CLinux", systemPackage]),
        library("Reporting", []),
        library("OCI", []),
        library(
            "ContentStore",
            ["OCI", "Threads", "FileSystem", "CCrypto", systemPackage],
            staticLibraries: ["crypto"]
        ),
        library("RemoteAddresses", []),
        library("ChildProcesses", ["FileSystem", "CSandbox", systemPackage]),
        library(
            "ContainerNetworks",
            ["OCI", "Threads", "FileSystem", "ContentStore", "CLinux", "CSandbox", systemPackage]
        ),
        library("HTTPTransport", ["RemoteAddresses", "Threads", "FileSystem", systemPackage] + asyncHTTPClient),
        library(
            "Registry",
            [
                "RemoteAddresses", "HTTPTransport", "ChildProcesses", "OCI", "Threads", "FileSystem", "ContentStore",
                systemPackage,
            ]
        ),
        library("Formatting", ["Reporting", "OCI"]),
        library("DockerfileSyntax", ["Formatting", "Reporting"]),
        library(
            "Compose",
            ["CYAML", "Formatting", "Reporting", "OCI", "FileSystem", "ContentStore", systemPackage],
            staticLibraries: ["yaml"]
        ),
        library("BuildPlanning", ["Formatting", "RemoteAddresses", "Reporting", "OCI", "DockerfileSyntax"]),
        library("BuildContext", ["Reporting", "OCI", "Threads", "FileSystem", "ContentStore", systemPackage]),
        library("BuildChecks", ["Reporting", "OCI", "DockerfileSyntax", "BuildContext", "BuildPlanning"]),
        library(
            "Tar",
            ["OCI", "FileSystem", "CArchive", "CCompression", systemPackage],
            staticLibraries: ["archive", "bz2", "lzma", "z", "zstd"]
        ),
        library("Layers", ["OCI", "Threads", "FileSystem", "ContentStore", "Tar", systemPackage, heaps]),
        library(
            "LayerWriting",
            ["OCI", "Threads", "FileSystem", "ContentStore", "BuildContext", "Tar", "Layers", systemPackage]
        ),
        library(
            "RemoteSources",
            [
                "RemoteAddresses", "HTTPTransport", "ChildProcesses", "OCI", "Threads", "FileSystem", "ContentStore",
                "BuildContext", systemPackage,
            ]
        ),
        library(
            "Distribution",
            [
                "CCompression", "RemoteAddresses", "HTTPTransport", "Registry", "Formatting", "Reporting", "OCI",
                "Threads", "FileSystem", "ContentStore", "BuildCache",
                "Tar", "Layers", "Images", systemPackage,
            ],
            staticLibraries: ["deflate"]
        ),
        library("Snapshots", ["OCI", "Threads", "FileSystem", "ContentStore", "Tar", "Layers", systemPackage]),
        library(
            "Sandbox",
            ["CSandbox", "CSeccomp", "FileSystem", systemPackage],
            staticLibraries: ["seccomp"]
        ),
        library("BuildCache", ["OCI", "FileSystem", "ContentStore", systemPackage]),
        library(
            "BuildRecords",
            [
                "Formatting", "Reporting", "OCI", "FileSystem", "ContentStore", "BuildCache", "Tar", "Layers",
                systemPackage,
            ]
        ),
        library("Images", ["Reporting", "OCI", "FileSystem", "ContentStore", "Tar", "Layers", systemPackage]),
        library("ImageAnalysis", ["Formatting", "Reporting", "OCI", "FileSystem", "Tar", "Layers", systemPackage]),
        library("BuildReport", ["Formatting", "Reporting", "OCI", "Layers", "ImageAnalysis", "BuildRecords"]),
        library(
            "ContainerRuntime",
            ["OCI", "Threads", "FileSystem", "ContentStore", "Tar", "Layers", "Snapshots", "Sandbox", systemPackage]
        ),
        library(
            "Containers",
            [
                "OCI", "Threads", "FileSystem", "ContentStore", "Tar", "Layers", "Snapshots", "Sandbox",
                "ContainerRuntime", "ContainerNetworks",
                "CLinux",
                "CSandbox", systemPackage,
            ]
        ),
        library(
            "BuildEngine",
            [
                "Formatting", "Reporting", "OCI", "Threads", "FileSystem", "ContentStore", "DockerfileSyntax",
                "BuildContext", "BuildPlanning", "BuildChecks", "BuildCache", "BuildRecords", "Tar", "Layers",
                "LayerWriting", "Snapshots",
                "Sandbox",
                "ContainerRuntime", "Containers", "RemoteAddresses", "RemoteSources", systemPackage,
            ]
        ),
        library("TerminalUI", ["Threads", "Reporting", "Formatting", "OCI", "FileSystem", systemPackage]),
        library(
            "StoreMaintenance",
            [
                "Containers", "ContainerNetworks",
                "Reporting", "Formatting", "OCI", "FileSystem", "ContentStore", "BuildCache", "BuildRecords", "Layers",
                "Snapshots", "Images", "Sandbox", systemPackage,
            ]
        ),
        library("DockerCommandLine", ["Reporting", "FileSystem", systemPackage]),
        library(
            "BuildService",
            [
                "Reporting", "Formatting", "OCI", "FileSystem", "ContentStore", "DockerfileSyntax", "BuildContext",
                "BuildPlanning", "BuildChecks", "BuildCache", "BuildRecords", "Tar", "Layers", "Images", "Sandbox",
                "ContainerRuntime", "BuildEngine", "RemoteAddresses", "RemoteSources", "Registry", "Distribution",
                systemPackage,
            ]
        ),
        library(
            "CommandSupport",
            [
                "TerminalUI", "Reporting", "OCI", "Threads", "FileSystem", "Tar", "Layers", "Images", "BuildEngine",
                "ContainerRuntime", "ContainerNetworks", "Registry", "Distribution", systemPackage, argumentParser,
            ]
        ),
        library(
            "ContainerCommands",
            [
                "CommandSupport", "Containers", "ContainerNetworks", "TerminalUI", "Formatting", "Reporting", "OCI",
                "Threads", "FileSystem", "ContentStore", "Tar", "Layers", "Images", "Sandbox", "ContainerRuntime",
                "ChildProcesses", "Distribution", systemPackage, argumentParser,
            ]
        ),
        library(
            "ComposeCommands",
            [
                "CommandSupport", "ContainerCommands", "Compose", "BuildService", "BuildRecords", "Containers",
                "ContainerNetworks", "ContainerRuntime", "Distribution", "Registry", "Images", "Layers", "ContentStore",
                "BuildContext", "Sandbox", "Tar", "OCI", "Threads", "FileSystem", "TerminalUI", "Formatting",
                "Reporting", systemPackage, argumentParser,
            ]
        ),
        library(
            "Commands",
            [
                "CommandSupport", "ContainerRuntime", "Containers", "ContainerNetworks", "ContainerCommands",
                "ComposeCommands",
                "BuildService",
                "StoreMaintenance", "Snapshots",
                "DockerCommandLine", "TerminalUI", "Formatting", "Reporting", "OCI", "Threads", "FileSystem",
                "ContentStore", "DockerfileSyntax", "BuildContext", "BuildPlanning", "BuildChecks", "BuildRecords",
                "Tar", "Layers", "Images", "ImageAnalysis", "BuildReport", "BuildEngine", "Registry", "Distribution",
                systemPackage, argumentParser,
            ]
        ),
        tests("Threads"),
        tests("FileSystem", ["TestSupport", systemPackage]),
        tests("OCI"),
        tests("ContentStore", ["TestSupport", "OCI", "FileSystem", systemPackage]),
        tests("Layers", ["TestSupport", "OCI", "FileSystem", "ContentStore", "Tar", systemPackage]),
        tests("ImageAnalysis", ["TestSupport", "OCI", "FileSystem", "ContentStore", "Tar", "Layers", systemPackage]),
        tests("BuildReport", ["Reporting", "OCI", "ContentStore", "Tar", "Layers", "ImageAnalysis", "BuildRecords"]),
        tests("Images", ["TestSupport", "OCI", "FileSystem", "ContentStore", "Tar", "Layers", systemPackage]),
        .executableTarget(
            name: "swiftbuild",
            dependencies: ["Commands"],
            swiftSettings: swiftSettings,
            linkerSettings: [
                // The release binary: see `docs/decisions/0008-c-libraries-linked-statically.md`.
                .unsafeFlags(
                    [
                        "-Xclang-linker", "-L\(Context.packageDirectory)/.build/static",
                        "-Xclang-linker", "-static-libgcc",
                        "-Xlinker", "--no-export-dynamic",
                    ],
                    .when(configuration: .release)
                )
            ]
        ),

        tests("BuildContext", ["TestSupport", "Reporting", "OCI", "FileSystem", "ContentStore", systemPackage]),
        tests("LayerWriting", ["TestSupport", "ContentStore", "Tar", "Layers"]),
        tests("Sandbox", ["TestSupport", "CSandbox", "CSeccomp", "FileSystem", systemPackage]),
        tests("BuildRecords", ["TestSupport", "OCI", "FileSystem", "ContentStore", "BuildCache", systemPackage]),
        tests("Containers", ["OCI"]),
        tests("BuildCache", ["TestSupport", "OCI", "FileSystem", "ContentStore", systemPackage]),
        tests(
            "Snapshots",
            [
                "TestSupport", "OCI", "FileSystem", "ContentStore", "Tar", "Layers", "Sandbox", "ContainerRuntime",
                systemPackage,
            ]
        ),
        tests("ContainerRuntime", ["TestSupport", "OCI", "ContentStore", "Tar", "Layers", "Snapshots", "Sandbox"]),
        tests(
            "BuildEngine",
            [
                "TestSupport", "Reporting", "OCI", "Threads", "FileSystem", "ContentStore", "DockerfileSyntax",
                "BuildContext", "BuildPlanning", "BuildCache", "BuildRecords", "Tar", "Layers", "LayerWriting",
                "Images",
                systemPackage,
            ]
        ),
        tests("ContainerNetworks", ["TestSupport", "OCI", "Threads", "FileSystem", "ContentStore", systemPackage]),
        tests("Commands", ["CommandSupport", "Reporting", "OCI", "DockerCommandLine", argumentParser]),
        tests("Formatting", ["Reporting", "OCI"]),
        tests("TerminalUI"),
        tests("DockerCommandLine", ["Reporting"]),
        tests("Reporting"),
        tests("RemoteAddresses"),
        tests("HTTPTransport", ["RemoteAddresses"]),
        tests(
            "Registry",
            ["TestSupport", "RemoteAddresses", "HTTPTransport", "OCI", "FileSystem", "ContentStore", systemPackage]
        ),
        tests(
            "RemoteSources",
            ["TestSupport", "RemoteAddresses", "HTTPTransport", "OCI", "FileSystem", "ContentStore", systemPackage]
        ),
        tests(
            "Distribution",
            [
                "TestSupport", "RemoteAddresses", "HTTPTransport", "Registry", "OCI", "FileSystem", "ContentStore",
                "BuildCache", "Tar", "Layers", systemPackage,
            ]
        ),
        .testTarget(
            name: "ComposeTests",
            dependencies: ["Compose", "Reporting", systemPackage],
            exclude: ["Fixtures"],
            swiftSettings: swiftSettings
        ),
        tests("DockerfileSyntax", ["Reporting"], fixtures: ["Fixtures", "FixturesInvalid"]),
        tests("BuildPlanning", ["RemoteAddresses", "Reporting", "OCI", "DockerfileSyntax"]),
        tests(
            "BuildChecks",
            ["Reporting", "OCI", "DockerfileSyntax", "BuildContext", "BuildPlanning"],
            fixtures: ["Fixtures"]
        ),
        .target(
            name: "TestSupport",
            dependencies: [
                "FileSystem", "ContentStore", "RemoteAddresses", "HTTPTransport", "Tar", "Layers", "Sandbox",
                systemPackage,
            ],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "DependencyRulesTests", swiftSettings: swiftSettings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [systemPackage],
            exclude: ["Semantics", "Servers"],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)

// `make fuzz` only, since every module has to be built for it.
if Context.environment["SWIFTBUILD_FUZZING"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzzing",
            dependencies: [
                "Formatting",
                "Reporting", "DockerfileSyntax", "BuildContext", "BuildPlanning", "BuildChecks",
                "OCI", "ContentStore", "Tar", "Layers", "Images", "BuildCache", "BuildRecords",
                "RemoteAddresses", "HTTPTransport", "Registry", systemPackage,
            ],
            path: "Tests/Fuzzing",
            exclude: ["corpus", "dictionary", "run"],
            swiftSettings: swiftSettings
        )
    )
}
