import Formatting
import OCI

extension ImageConfiguration.Execution {
    /// What Docker keeps as the `Config` of a container: this one of the image under what the command line says.
    ///
    /// The rules are those of `merge` in moby's `daemon/commit.go`. Labels and the host name are the caller's to set.
    func merging(_ flags: ContainerFlags, command: [String], environment: [String]) -> Self {
        var result = self
        result.onBuild = nil
        result.domainname = nil
        if let user = flags.process.user { result.user = user }
        let names = Set(environment.map { $0.prefix { $0 != "=" } })
        result.env = environment + (env ?? []).filter { !names.contains($0.prefix { $0 != "=" }) }
        if let text = flags.general.entrypoint {
            result.entrypoint = text.isEmpty ? nil : [text]
            result.cmd = nil
        }
        if !command.isEmpty { result.cmd = command }
        if result.cmd != cmd || !command.isEmpty { result.argsEscaped = nil }
        if let directory = flags.process.workingDirectory { result.workingDir = directory }
        if let signal = flags.general.stopSignal { result.stopSignal = signal }
        if let seconds = flags.general.stopTimeout { result.stopTimeout = seconds }
        for path in flags.general.volumes where !path.contains(":") {
            result.volumes = (result.volumes ?? [:]).setting(path)
        }
        result.healthcheck = flags.health.merged(with: healthcheck)
        return result
    }
}

extension [String: ImageConfiguration.EmptyObject] {
    fileprivate func setting(_ name: String) -> Self { merging([name: .init()]) { first, _ in first } }
}

extension HealthFlags {
    /// - Parameter image: What the image says of it.
    fileprivate func merged(with image: ImageConfiguration.Healthcheck?) -> ImageConfiguration.Healthcheck? {
        func time(_ text: String?, _ value: Int64?) -> Int64? { text.flatMap(GoDuration.nanoseconds) ?? value }
        let result = ImageConfiguration.Healthcheck(
            test: isOff ? ["NONE"] : command.map { ["CMD-SHELL", $0] } ?? image?.test,
            interval: time(interval, image?.interval),
            timeout: time(timeout, image?.timeout),
            startPeriod: time(startPeriod, image?.startPeriod),
            startInterval: time(startInterval, image?.startInterval),
            retries: retries ?? image?.retries
        )
        return result == .init(test: nil) ? nil : result
    }
}
