internal import CSandbox
internal import CSeccomp
internal import Glibc

/// A profile as a program of the kernel's filter machine (`seccomp(2)`).
///
/// libseccomp would write one too, but takes 20 ms for Docker's profile on x86-64 with its two other architectures; this
/// takes less than one, and so does the kernel, since neighbouring calls of the same fate are one comparison
/// (`docs/decisions/0015-own-seccomp-programs.md`).
struct SeccompProgram: Sendable {
    let instructions: [sb_filter]

    /// - Throws: `SandboxError` for a profile that makes no sense here.
    init(_ profile: SeccompProfile, _ capabilities: CapabilitySet) throws(SandboxError) {
        let conditions = (profile.syscalls ?? []).flatMap { $0.args ?? [] }
        if let condition = conditions.first(where: { !(0...5).contains($0.index) }) {
            throw Self.refused("a system call has no argument \(condition.index)")
        }
        let fallback = Self.value(profile.defaultAction, profile.defaultErrnoRet)
        let rules = try Self.rules(of: profile, capabilities)
        let isStrict = ![.allow, .log, .trace].contains(profile.defaultAction)
        var writer = SeccompWriter()
        // Programs of other machines cannot run here, so a call that claims to be theirs is an attack.
        var next = writer.emit(result: Self.killProcess)
        for (architecture, tables) in try Self.tables(of: profile) {
            var ranges = SystemCallRanges(fallback: fallback)
            for table in tables {
                var last: UInt32?
                for rule in rules {
                    let result = Self.value(rule.action, rule.errnoRet ?? profile.defaultErrnoRet)
                    for name in rule.allNames {
                        guard let number = table.number(of: name) else { continue }
                        last = max(last ?? 0, number)
                        // A rule that says what holds anyway would only hide a later one.
                        if result != fallback { ranges.add(number, result, rule.args ?? []) }
                    }
                }
                // A program asks whether the kernel has a new call by trying it, and takes only this for a no.
                if isStrict, let last { ranges.addUnknown(after: last, in: table.numberSpace) }
            }
            let body = ranges.write(to: &writer)
            let start = writer.emit(load: 0, then: body)
            next = writer.emit(ifArchitecture: architecture, start, else: next)
        }
        _ = writer.emit(load: 4, then: next)
        instructions = writer.instructions
        guard instructions.count <= 4096 else { throw Self.refused("it is too long for the kernel") }
    }

    static let killProcess: UInt32 = 0x8000_0000

    /// The rules that hold on this machine.
    static func rules(of profile: SeccompProfile, _ capabilities: CapabilitySet) throws(SandboxError)
        -> [SeccompProfile.Rule]
    {
        let machine = Machine(capabilities)
        var rules: [SeccompProfile.Rule] = []
        for rule in profile.syscalls ?? [] {
            if try machine.has(rule) { rules.append(rule) }
        }
        return rules
    }

    static func refused(_ reason: String) -> SandboxError {
        SandboxError(.invalidConfiguration, "the seccomp profile cannot be used: \(reason)", errno: nil)
    }

    /// What the kernel calls an action.
    private static func value(_ action: SeccompProfile.Action, _ number: UInt32?) -> UInt32 {
        switch action {
        case .kill, .killThread: 0
        case .killProcess: killProcess
        case .trap: 0x0003_0000
        case .fail: 0x0005_0000 | (number ?? UInt32(EPERM)) & 0xFFFF
        case .trace: 0x7FF0_0000 | (number ?? UInt32(EPERM)) & 0xFFFF
        case .log: 0x7FFC_0000
        case .allow: 0x7FFF_0000
        }
    }

    /// The architectures that the profile is for, by what the kernel calls them; this machine's own is always there.
    private static func tables(of profile: SeccompProfile) throws(SandboxError) -> [(UInt32, [SystemCallTable])] {
        let native = SystemCallTable.native
        var names = profile.architectures ?? []
        for entry in profile.archMap ?? [] {
            guard SystemCallTable(entry.architecture)?.auditArchitecture == native.auditArchitecture else { continue }
            names += entry.subArchitectures ?? []
        }
        var result = [(native.auditArchitecture, [native])]
        for name in names {
            guard let table = SystemCallTable(name) else { throw refused("unknown architecture `\(name)`") }
            guard let position = result.firstIndex(where: { $0.0 == table.auditArchitecture }) else {
                result.append((table.auditArchitecture, [table]))
                continue
            }
            if !result[position].1.contains(where: { $0.numberSpace == table.numberSpace }) {
                result[position].1.append(table)
            }
        }
        // Written last to first: this machine's own architecture is asked for first.
        return result.reversed()
    }
}

/// What the conditions of rules are about.
private struct Machine {
    private let capabilities: CapabilitySet
    private let architecture = goArchitecture()
    private let kernel: (Int, Int)

    init(_ capabilities: CapabilitySet) {
        self.capabilities = capabilities
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        kernel = Machine.version(release) ?? (0, 0)
    }

    func has(_ rule: SeccompProfile.Rule) throws(SandboxError) -> Bool {
        if let wanted = rule.includes {
            if let arches = wanted.arches, !arches.isEmpty, !arches.contains(architecture) { return false }
            for name in wanted.caps ?? [] {
                if try !has(capability: name) { return false }
            }
            if let text = wanted.minKernel {
                guard let version = Machine.version(text) else {
                    throw SeccompProgram.refused("`\(text)` is not a version of Linux")
                }
                if kernel < version { return false }
            }
        }
        if let unwanted = rule.excludes {
            if unwanted.arches?.contains(architecture) ?? false { return false }
            for name in unwanted.caps ?? [] {
                if try has(capability: name) { return false }
            }
            if let version = unwanted.minKernel.flatMap(Machine.version), kernel >= version { return false }
        }
        return true
    }

    private func has(capability name: String) throws(SandboxError) -> Bool {
        guard let capability = CapabilitySet(name: name) else {
            throw SeccompProgram.refused("unknown capability `\(name)`")
        }
        return capabilities.isSuperset(of: capability)
    }

    private static func version(_ text: String) -> (Int, Int)? {
        let numbers = text.split(separator: ".", maxSplits: 2).prefix(2).map { Int($0.prefix { $0.isNumber }) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        return (major, minor)
    }
}
