import BuildPlanning
import DockerfileSyntax
import Reporting

extension RunSettings {
    /// Why an instruction may not have what it asks for; `nil` when it may.
    func refusal(of instruction: Instruction) -> Diagnostic? {
        guard case .run(let run) = instruction.kind else { return nil }
        if let device = run.devices.first {
            return Diagnostic(
                "RUN --device is not supported: builds cannot use devices of the machine",
                at: device.range
            )
        }
        if let mode = run.security, mode.text == "insecure", !entitlements.contains(.insecure) {
            return Diagnostic(
                "RUN --security=insecure is not allowed",
                at: mode.range,
                hints: ["allow it with `--allow security.insecure`; the command can then change this machine"]
            )
        }
        if let mode = run.network, mode.text == "host", network != .host, !entitlements.contains(.hostNetwork) {
            return Diagnostic(
                "RUN --network=host is not allowed",
                at: mode.range,
                hints: ["allow it with `--allow network.host`"]
            )
        }
        return nil
    }
}
