import CSandbox
import CSeccomp
import FileSystem
import Foundation
import SystemPackage
import Testing

@testable import Sandbox

@Suite("The filter of system calls")
struct SystemCallTests {
    private static let allow: UInt32 = 0x7FFF_0000
    private static let fails: UInt32 = 0x0005_0000
    private static let x86_64: UInt32 = 0xC000_003E

    private static var isX86: Bool { seccomp_arch_native() == x86_64 }

    /// What the kernel's filter machine would do (`seccomp(2)`).
    private func verdict(
        _ program: [sb_filter],
        _ architecture: UInt32,
        _ number: UInt32,
        _ arguments: [UInt64] = []
    ) throws -> UInt32 {
        let padded = arguments + Array(repeating: 0, count: 6 - arguments.count)
        let words: [UInt32] =
            [number, architecture, 0, 0]
            + padded.flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
        var accumulator: UInt32 = 0
        var place = 0
        for _ in 0...program.count {
            let instruction = try #require(program.indices.contains(place) ? program[place] : nil)
            place += 1
            func jump(_ condition: Bool) { place += Int(condition ? instruction.jt : instruction.jf) }
            switch instruction.code {
            case 0x20: accumulator = words[Int(instruction.k / 4)]
            case 0x54: accumulator &= instruction.k
            case 0x05: place += Int(instruction.k)
            case 0x15: jump(accumulator == instruction.k)
            case 0x25: jump(accumulator > instruction.k)
            case 0x35: jump(accumulator >= instruction.k)
            case 0x06: return instruction.k
            default: throw UnknownInstruction(code: instruction.code)
            }
        }
        throw UnknownInstruction(code: .max)
    }

    private struct UnknownInstruction: Error {
        let code: UInt16
    }

    /// The same profile as libseccomp compiles it.
    private func reference(_ profile: SeccompProfile, _ capabilities: CapabilitySet) throws -> [sb_filter] {
        let context = try #require(seccomp_init(Self.fails | 1))
        defer { seccomp_release(context) }
        for name in ["x86", "x32"] { try #require(seccomp_arch_add(context, seccomp_arch_resolve_name(name)) == 0) }
        for rule in try SeccompProgram.rules(of: profile, capabilities) {
            let action = rule.action == .allow ? Self.allow : Self.fails | (rule.errnoRet ?? 1)
            let arguments = (rule.args ?? []).map { condition in
                let operation: scmp_compare =
                    switch condition.op {
                    case .less: SCMP_CMP_LT
                    case .equal: SCMP_CMP_EQ
                    case .maskedEqual: SCMP_CMP_MASKED_EQ
                    default: SCMP_CMP_NE
                    }
                return scmp_arg_cmp(
                    arg: UInt32(condition.index),
                    op: operation,
                    datum_a: condition.value,
                    datum_b: condition.valueTwo ?? 0
                )
            }
            for name in rule.allNames {
                let number = seccomp_syscall_resolve_name(name)
                guard number != __NR_SCMP_ERROR else { continue }
                let result = seccomp_rule_add_array(context, action, number, UInt32(arguments.count), arguments)
                try #require(result == 0, "\(name): \(result)")
            }
        }
        let path = FilePath(NSTemporaryDirectory()).appending("seccomp-\(UUID().uuidString)")
        defer { try? FileOperations.removeTree(path) }
        let descriptor = try FileOperations.open(path, O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        try #require(seccomp_export_bpf(context, descriptor) == 0)
        return try FileOperations.read(path).withUnsafeBytes { Array($0.bindMemory(to: sb_filter.self)) }
    }

    @Test("decides as libseccomp's program does, for every call of all three architectures", .enabled(if: isX86))
    func comparison() throws {
        for capabilities in [CapabilitySet.dockerDefault, .all] {
            let ours = try SeccompProgram(.docker, capabilities).instructions
            let theirs = try reference(.docker, capabilities)
            // Those that only we know have no rule there.
            let recent = Set((451...466).flatMap { [UInt32($0), UInt32($0) | 0x4000_0000] })
            let arguments: [[UInt64]] =
                [0, 1, 8, 11, 12, 13, 16, 38, 40, 45, 46, 0x20000, 0x20008, 0x1000_0000, 0xFFFF_FFFF].map { [$0] }
                + [[1 << 32], [0x0100_0011], [0x7E02_0000, 0]]
            // Only these have conditions; what others decide must not depend on arguments, for which two are enough.
            let conditional = Set(
                ["X86_64", "X86", "X32"].compactMap { SystemCallTable("SCMP_ARCH_\($0)") }.flatMap { table in
                    ["socket", "clone", "personality"].compactMap { table.number(of: $0) }
                }
            )
            let numbers = (0..<500).flatMap { [UInt32($0), UInt32($0) | 0x4000_0000] }
            let x86: UInt32 = 0x4000_0003
            for (architecture, number) in numbers.flatMap({ [(Self.x86_64, $0), (x86, $0)] }) {
                guard !recent.contains(number) else { continue }
                // Of arguments of 32-bit programs libseccomp compares half only; they have no other.
                let isNarrow = architecture == x86 || number & 0x4000_0000 != 0
                let tried = conditional.contains(number) ? arguments[...] : arguments.suffix(2)
                for values in tried where !isNarrow || values[0] >> 32 == 0 {
                    let own = try verdict(ours, architecture, number, values)
                    let other = try verdict(theirs, architecture, number, values)
                    let isEqual = own == other || own == Self.fails | 38 && other == Self.fails | 1
                    if !isEqual { Issue.record("call \(number) of \(architecture) with \(values): \(own), \(other)") }
                }
            }
        }
    }

    @Test("lets no namespace be made, says of clone3 and of calls that it does not know that they do not exist")
    func rules() throws {
        let program = try SeccompProgram(.docker, .dockerDefault).instructions
        let native = SystemCallTable.native
        func decide(_ name: String, _ arguments: UInt64...) throws -> UInt32 {
            let number = try #require(native.number(of: name))
            return try verdict(program, native.auditArchitecture, number, arguments)
        }
        #expect(try decide("read") == Self.allow)
        #expect(try decide("setresuid") == Self.allow)
        #expect(try decide("chroot") == Self.allow)
        #expect(try decide("mseal") == Self.allow)
        for name in ["mount", "unshare", "setns", "keyctl", "add_key", "bpf", "reboot", "init_module", "userfaultfd"] {
            #expect(try decide(name) == Self.fails | 1, "\(name)")
        }
        #expect(try decide("clone", 0x11) == Self.allow)
        #expect(try decide("clone", 0x1000_0011) == Self.fails | 1)
        #expect(try decide("clone3") == Self.fails | 38)
        #expect(try decide("socket", 2) == Self.allow)
        #expect(try decide("socket", 40) == Self.fails | 1)
        #expect(try decide("socket", 1 << 32 | 2) == Self.fails | 1)
        #expect(try verdict(program, native.auditArchitecture, 5000) == Self.fails | 38)
        #expect(try verdict(program, 0x1234, 0) == SeccompProgram.killProcess)
        let privileged = try SeccompProgram(.docker, .all).instructions
        #expect(
            try verdict(privileged, native.auditArchitecture, try #require(native.number(of: "mount"))) == Self.allow
        )
    }

    @Test("is small, and made in a moment")
    func size() throws {
        #expect(try SeccompProgram(.docker, .dockerDefault).instructions.count < 1500)
    }

    private func profile(_ text: String) throws -> SeccompProfile {
        try JSONDecoder().decode(SeccompProfile.self, from: Data(text.utf8))
    }

    @Test("takes profiles of the user, with comparisons of every kind")
    func comparisons() throws {
        let native = SystemCallTable.native
        let number = try #require(native.number(of: "lseek"))
        let large: UInt64 = 0x1_0000_0005
        for (operation, holds) in [
            ("NE", [4, 6, 5] as [UInt64]), ("LT", [0, 4, 5, 0x1_0000_0004]), ("LE", [large, 5]), ("EQ", [large]),
            ("GE", [large, large + 1, 0x2_0000_0000]), ("GT", [large + 1, 0x2_0000_0000]),
        ] {
            let text = """
                {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "lseek", "action": "SCMP_ACT_ERRNO",
                "errnoRet": 7, "args": [{"index": 1, "value": \(large), "op": "SCMP_CMP_\(operation)"}]}]}
                """
            let program = try SeccompProgram(try profile(text), .dockerDefault).instructions
            for value in [0, 4, 5, 6, 0x1_0000_0004, large, large + 1, 0x2_0000_0000] as [UInt64] {
                let expected: Bool =
                    switch operation {
                    case "NE": value != large
                    case "LT": value < large
                    case "LE": value <= large
                    case "EQ": value == large
                    case "GE": value >= large
                    default: value > large
                    }
                if holds.contains(value) { #expect(expected, "\(operation) \(value)") }
                let result = try verdict(program, native.auditArchitecture, number, [9, value])
                #expect(result == (expected ? Self.fails | 7 : Self.allow), "\(operation) \(value)")
            }
            // A profile that allows what it does not name says of no call that it does not exist.
            #expect(try verdict(program, native.auditArchitecture, 5000) == Self.allow)
        }
    }

    @Test(
        "refuses profiles that make no sense, with the reason",
        arguments: [
            (
                #"{"names": ["read"], "action": "SCMP_ACT_LOG", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}"#,
                "argument 6"
            ),
            (#"{"names": ["read"], "action": "SCMP_ACT_LOG", "includes": {"caps": ["CAP_NONE"]}}"#, "CAP_NONE"),
            (#"{"names": ["read"], "action": "SCMP_ACT_LOG", "includes": {"minKernel": "x"}}"#, "version of Linux"),
        ]
    )
    func refusals(rule: String, reason: String) throws {
        let profile = try profile(#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(rule)]}"#)
        do {
            _ = try SeccompProgram(profile, .dockerDefault)
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains(reason), "\(error)")
        }
    }

    @Test("holds for the process and all that it starts, for root and others; unconfined is without", .needsFullSandbox)
    func installed() throws {
        try SandboxFixture.with { fixture in
            let script = "grep Seccomp: /proc/self/status; mkdir /tmp/new 2>&1; echo $?"
            for user in [SandboxUser.root, SandboxUser(userID: 1000, groupID: 1000)] {
                var configuration = try fixture.configuration(script)
                configuration.user = user
                configuration.systemCalls = .profile(
                    try profile(
                        """
                        {"defaultAction": "SCMP_ACT_ALLOW",
                        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
                        """
                    )
                )
                let outcome = try run(configuration)
                #expect(
                    outcome.output
                        == "Seccomp:\t2\nmkdir: can't create directory '/tmp/new': No space left on device\n1\n"
                )
            }
            var configuration = try fixture.configuration("grep Seccomp: /proc/self/status")
            configuration.systemCalls = .unconfined
            #expect(try run(configuration).output == "Seccomp:\t0\n")
        }
    }
}
