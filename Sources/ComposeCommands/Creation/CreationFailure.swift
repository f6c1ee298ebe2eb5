internal import Compose
internal import ContainerNetworks
internal import ContainerRuntime
internal import Containers
internal import Reporting

/// What turns out to be wrong with a service when a container of it is made: told where its Compose file says it, and not
/// as a flag of `create`, which the user never wrote.
enum CreationFailure {
    /// - Returns: The error itself where no value of the service is to blame.
    static func located(_ error: any Error, in service: Service) -> any Error {
        switch error {
        case let error as UserError:
            let (option, reason) = parts(error.message)
            let files = ["secrets", "configs"].filter { reason.hasPrefix("the \($0.dropLast()) `") }
            let keys = option.flatMap { CreationFailure.keys[$0] } ?? files
            let isMissing = option == "--mount" && !error.hints.isEmpty
            let hints = isMissing ? ["`bind.create_host_path: true` makes a directory of it"] : error.hints
            if let found = service.source.error(reason, hints: hints, at: keys) { return found }
            // The status for wrong use is for flags.
            let status = error.status == .usage ? .failure : error.status
            return UserError("service `\(service.name)`: \(error.message)", hints: error.hints, status: status)
        case ContainerStoreError.invalidSetting(let option, _, _):
            let (_, reason) = parts("\(error)")
            return service.source.error(reason, at: keys[option] ?? []) ?? error
        default:
            return keys(of: error).flatMap { service.source.error("\(error)", at: $0) } ?? error
        }
    }

    /// A port that is taken is found when the container starts.
    static func located(start error: UserError, in service: Service) -> any Error {
        guard error.message.contains("already in use") else { return error }
        return service.source.error(error.message, hints: error.hints, at: ["ports"]) ?? error
    }

    /// The option that a message begins with, and the rest of it.
    private static func parts(_ message: String) -> (option: String?, reason: String) {
        let words = message.split(separator: ":", maxSplits: 1)
        guard message.hasPrefix("--"), words.count == 2, let option = words[0].split(separator: " ").first else {
            return (nil, message)
        }
        return (String(option), String(words[1].drop { $0 == " " }))
    }

    private static func keys(of error: any Error) -> [String]? {
        switch error {
        case NetworkError.invalidPort, NetworkError.portInUse, NetworkError.onlyInternal: ["ports", "expose"]
        case is NetworkError: ["networks", "network_mode"]
        case ContainerError.unknownUser: ["user", "group_add"]
        case ContainerError.invalidVolume: ["volumes"]
        case ContainerStoreError.invalidName, ContainerStoreError.nameInUse: ["container_name"]
        case ContainerStoreError.notFound: ["network_mode", "volumes_from", "pid", "ipc"]
        default: nil
        }
    }

    /// The keys that become an option of `create`.
    private static let keys: [String: [String]] = {
        let limits = "deploy.resources.limits"
        return [
            "--add-host": ["extra_hosts"], "--cap-add": ["cap_add"], "--cap-drop": ["cap_drop"],
            "--cpus": ["cpus", "\(limits).cpus"], "--cpuset-cpus": ["cpuset"], "--device": ["devices"],
            "--dns": ["dns"],
            "--health-interval": ["healthcheck"], "--health-timeout": ["healthcheck"], "--ip": ["networks"],
            "--ipc": ["ipc"], "--log-opt": ["logging.options", "log_opt"],
            "--memory": ["mem_limit", "\(limits).memory"],
            "--memory-reservation": ["mem_reservation", "deploy.resources.reservations.memory"],
            "--memory-swap": ["memswap_limit"], "--mount": ["volumes", "secrets", "configs"],
            "--network": ["networks", "network_mode"], "--pid": ["pid"], "--security-opt": ["security_opt"],
            "--shm-size": ["shm_size"], "--stop-signal": ["stop_signal"], "--sysctl": ["sysctls"], "--tmpfs": ["tmpfs"],
            "--ulimit": ["ulimits"], "--userns": ["userns_mode"], "--uts": ["uts"], "--volumes-from": ["volumes_from"],
        ]
    }()
}
