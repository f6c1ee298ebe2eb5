/// The operating system and processor an image is for, in the names of the OCI image index specification.
public struct Platform: Sendable, Hashable, Codable {
    public var os: String
    public var architecture: String
    public var variant: String?

    public init(os: String, architecture: String, variant: String? = nil) {
        let (architecture, variant) = Platform.normalised(architecture.lowercased(), variant?.lowercased())
        self.os = os.lowercased()
        self.architecture = architecture
        self.variant = variant
    }

    /// The names that may stand alone, as containerd knows them.
    private static let operatingSystems: Set<String> = [
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "macos", "nacl",
        "netbsd", "openbsd", "plan9", "solaris", "windows", "zos",
    ]
    private static let architectures: Set<String> = [
        "386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe", "loong64", "mips", "mips64", "mips64le",
        "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc",
        "sparc64", "wasm",
    ]

    /// Parses `os/architecture[/variant]`, a known `os` or `architecture` alone, or `local`.
    ///
    /// - Throws: `OCIError.invalidPlatform`.
    public init(parsing text: String) throws(OCIError) {
        if text == "local" {
            self = .host
            return
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let allowed = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
        }
        guard allowed, parts.count <= 3 else { throw OCIError.invalidPlatform(text) }
        switch parts.count {
        case 1:
            let host = Platform.host
            if Platform.operatingSystems.contains(parts[0].lowercased()) {
                self.init(os: parts[0], architecture: host.architecture, variant: host.variant)
            } else {
                self.init(os: host.os, architecture: parts[0])
                guard Platform.architectures.contains(architecture) else { throw OCIError.invalidPlatform(text) }
            }
        case 2: self.init(os: parts[0], architecture: parts[1])
        default: self.init(os: parts[0], architecture: parts[1], variant: parts[2])
        }
    }

    /// The machine this program runs on.
    public static var host: Platform {
        #if arch(x86_64)
            Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
            Platform(os: "linux", architecture: "arm64")
        #else
            Platform(os: "linux", architecture: "unknown")
        #endif
    }

    /// Normalises the spellings that `uname` and older tools use, and drops default variants, as containerd does.
    private static func normalised(_ architecture: String, _ variant: String?) -> (String, String?) {
        switch architecture {
        case "x86_64", "x86-64", "amd64": ("amd64", variant == "v1" ? nil : variant)
        case "aarch64", "arm64": ("arm64", variant == "8" || variant == "v8" ? nil : variant)
        case "i386", "i486", "i586", "i686", "386": ("386", nil)
        case "armhf": ("arm", "v7")
        case "armel": ("arm", "v6")
        case "arm": ("arm", variant.map { $0.hasPrefix("v") ? $0 : "v" + $0 } ?? "v7")
        default: (architecture, variant)
        }
    }
}

extension Platform: CustomStringConvertible {
    public var description: String { "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "") }
}
