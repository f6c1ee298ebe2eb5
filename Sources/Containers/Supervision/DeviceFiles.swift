internal import CSandbox
internal import FileSystem
internal import Glibc
internal import SystemPackage

extension MachineAccess {
    /// A device file, with what the container may do with it.
    typealias DeviceFile = (source: String, target: String, rule: sb_device_rule)

    /// The device files that the container gets: of a directory, all below it but those that every container has its own of.
    ///
    /// - Throws: `ContainerStoreError.unsupported` for what is not a device.
    func deviceFiles() throws -> [DeviceFile] {
        var result: [DeviceFile] = []
        for device in devices {
            let path = FilePath(device.path)
            let isDirectory = FileStatus.ifPresent(path)?.kind == .directory
            let names = isDirectory ? try MachineAccess.files(below: path) : [""]
            let before = result.count
            for name in names {
                var rule = sb_device_rule()
                rule.access = device.access.rawValue
                guard sb_device_numbers(device.path + name, &rule) == 0 else {
                    if isDirectory { continue }
                    let error = Errno.current
                    throw ContainerStoreError.unsupported(
                        error.rawValue == ENODEV
                            ? "--device: `\(device.path)` is not a device"
                            : "--device: cannot use `\(device.path)`: \(error.sentence)"
                    )
                }
                result.append((device.path + name, device.target + name, rule))
            }
            if result.count == before {
                throw ContainerStoreError.unsupported("--device: there is no device in `\(device.path)`")
            }
        }
        return result
    }

    /// What a container has its own of in `/dev`, and what other containers have of theirs below the machine's, as runc
    /// leaves it out.
    private static let own: Set = [
        "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/ptmx", "/dev/console", "/dev/.lxc", "/dev/.lxd-mounts",
        "/dev/.udev",
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
    ]

    /// Everything in a directory that is neither one itself nor a link, each as `/NAME…`.
    private static func files(below directory: FilePath) throws -> [String] {
        try FileOperations.names(in: directory).flatMap { name -> [String] in
            let path = directory.appending(bytes: name)
            guard !own.contains(path.string) else { return [] }
            let text = "/" + String(decoding: name, as: UTF8.self)
            switch FileStatus.ifPresent(path)?.kind {
            case .directory: return try files(below: path).map { text + $0 }
            case .symbolicLink, nil: return []
            default: return [text]
            }
        }
    }

    /// The rules of a control group for everything that the container may use.
    func rules(_ files: [DeviceFile]) -> [sb_device_rule] {
        files.map(\.rule)
            + deviceRules.map {
                sb_device_rule(
                    type: CChar(bitPattern: $0.kind.rawValue.utf8.first ?? 0),
                    major: $0.major ?? -1,
                    minor: $0.minor ?? -1,
                    access: $0.access.rawValue
                )
            }
    }
}

extension sb_device_rule {
    /// As `devices.allow` of version 1 has it.
    var text: String {
        func number(_ value: Int64) -> String { value < 0 ? "*" : String(value) }
        let kind = String(UnicodeScalar(UInt8(bitPattern: type)))
        return "\(kind) \(number(major)):\(number(minor)) \(MachineAccess.DeviceAccess(rawValue: access))"
    }
}
