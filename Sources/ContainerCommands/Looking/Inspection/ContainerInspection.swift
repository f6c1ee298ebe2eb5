import ContainerRuntime
import Containers
import FileSystem
import Glibc
import Layers
import OCI
import SystemPackage

/// What `inspect` prints about a container: what Docker's API has at `/containers/ID/json`, under the same names.
///
/// A test compares the two; it has the list of those that differ, each with its reason.
struct ContainerInspection {
    let container: Container
    var record: ContainerRecord { container.record }
    var state: ContainerState { container.state }
    /// Those among its mounts, by the path of their files.
    let volumes: [String: VolumeStore.Volume]

    /// - Throws: `SystemError`, `DecodingError`.
    init(_ container: Container, _ store: ContainerStore) throws {
        self.container = container
        let found = try container.record.volumes.compactMap { try VolumeStore(store.layers).find($0) }
        volumes = Dictionary(found.map { ($0.files.string, $0) }) { first, _ in first }
    }

    /// - Parameter imageSize: Bytes of the image's files, where sizes are asked for.
    func json(imageSize: Int64?) -> JSONValue {
        let isCopied = FileStatus.ifPresent(container.directory.appending("copied")) != nil
        let files = container.directory.appending("fs").string
        var result: [String: JSONValue] = [
            "Id": .string("\(record.id)"),
            "Created": .string("\(record.created)"),
            "Path": .string(record.process.arguments.first ?? ""),
            "Args": .strings(record.process.arguments.dropFirst()),
            "State": stateValue,
            "Image": .string(record.imageID.map { "\($0)" } ?? ""),
            "LogPath": .string(container.directory.appending("log").string),
            "Name": .string("/\(record.name)"),
            "RestartCount": .integer(Int64(state.restartCount)),
            // Docker's names of the drivers that keep files in the same way.
            "Driver": .string(isCopied ? "vfs" : "overlay2"),
            "Platform": .string(record.platform.os),
            "ExecIDs": .null,
            "HostConfig": hostConfiguration,
            "GraphDriver": .object([
                "Name": .string(isCopied ? "vfs" : "overlay2"),
                "Data": isCopied ? .null : .object(["UpperDir": .string(files)]),
            ]),
            "Mounts": .list(record.process.mounts.compactMap(mount)),
            "Config": configuration,
            "NetworkSettings": networkSettings,
        ]
        // The files in /etc are made anew for each start, and there are no security modules that label.
        for name in [
            "ResolvConfPath", "HostnamePath", "HostsPath", "MountLabel", "ProcessLabel", "AppArmorProfile",
        ] {
            result[name] = .string("")
        }
        if let imageSize {
            let written = container.writtenBytes
            result["SizeRw"] = .integer(written)
            result["SizeRootFs"] = .integer(imageSize + written)
        }
        return .object(result)
    }

    /// Docker's text for a time that has not come.
    static let never = "0001-01-01T00:00:00Z"

    private var stateValue: JSONValue {
        func time(_ time: Timestamp?) -> JSONValue { .string(time?.description ?? ContainerInspection.never) }
        var result: [String: JSONValue] = [
            "Status": .string(state.status.rawValue),
            "Running": .boolean(state.isRunning),
            "Paused": .boolean(state.status == .paused),
            "Restarting": .boolean(state.status == .restarting),
            "OOMKilled": .boolean(state.isOutOfMemory),
            "Dead": .boolean(state.status == .dead),
            "Pid": .integer(Int64(state.processID)),
            "ExitCode": .integer(Int64(state.exitCode)),
            "Error": .string(state.error),
            "StartedAt": time(state.started),
            "FinishedAt": time(state.finished),
        ]
        if let health = state.health {
            result["Health"] = .object([
                "Status": .string(health.status.rawValue),
                "FailingStreak": .integer(Int64(health.failingStreak)),
                "Log": .list(
                    health.log.map { result in
                        .object([
                            "Start": time(result.start), "End": time(result.end),
                            "ExitCode": .integer(Int64(result.exitCode)), "Output": .string(result.output),
                        ])
                    }
                ),
            ])
        }
        return .object(result)
    }

    /// Docker's `MountPoint`; what is in memory is in `HostConfig.Tmpfs`.
    private func mount(_ mount: ProcessSpecification.Mount) -> JSONValue? {
        guard case .bind(let path) = mount.source, let target = mount.target else { return nil }
        var result: [String: JSONValue] = [
            "Type": "bind", "Source": .string(path), "Destination": .string(target),
            "Mode": mount.isReadOnly ? "ro" : "", "RW": .boolean(!mount.isReadOnly), "Propagation": "rprivate",
        ]
        if let volume = volumes[path] {
            result["Type"] = "volume"
            result["Name"] = .string(volume.name)
            result["Driver"] = "local"
            result["Propagation"] = ""
            // Docker's mode of a volume with a name for which none was asked.
            if !volume.record.isAnonymous, !mount.isReadOnly { result["Mode"] = "z" }
        }
        return .object(result)
    }

    private var configuration: JSONValue {
        let stored = record.configuration
        let isSet = (try? CanonicalJSON.decode(JSONValue.self, from: CanonicalJSON.encode(stored))) ?? .null
        var result: [String: JSONValue] = if case .object(let members) = isSet { members } else { [:] }
        // Docker leaves out the others where they are not set.
        for name in ["Hostname", "Domainname", "User", "WorkingDir"] where result[name] == nil { result[name] = "" }
        for name in ["Env", "Cmd", "Volumes", "Entrypoint", "OnBuild"] where result[name] == nil {
            result[name] = .null
        }
        if let name = record.domainName { result["Domainname"] = .string(name) }
        result["Image"] = .string(record.image)
        result["Labels"] = .object(record.labels.mapValues { .string($0) })
        result["Tty"] = .boolean(record.process.usesTerminal)
        result["OpenStdin"] = .boolean(record.isInteractive)
        // How the client that created it was connected is not kept.
        for name in ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"] { result[name] = .boolean(false) }
        return .object(result)
    }
}

extension Container {
    /// Bytes of what the container has written.
    var writtenBytes: Int64 { DiskUsage.of(contentOf: directory.appending("fs")) }
}

extension ContainerSummary {
    /// Bytes of what the container has written.
    var writtenBytes: Int64 { DiskUsage.of(contentOf: directory.appending("fs")) }
}

extension DiskUsage {
    /// What is in a directory takes up, without the directory itself.
    static func of(contentOf directory: FilePath) -> Int64 {
        var usage = DiskUsage()
        for name in (try? FileOperations.names(in: directory)) ?? [] { usage.add(directory.appending(bytes: name)) }
        return usage.total
    }
}
