internal import CSeccomp

/// The numbers of the system calls on one architecture.
struct SystemCallTable {
    /// As libseccomp knows it.
    private let token: UInt32
    /// What the kernel says that a call is of.
    ///
    /// The numbers of x32's calls differ from those of x86-64.
    let auditArchitecture: UInt32

    private static let x32Bit: UInt32 = 0x4000_0000
    private static let x86Token: UInt32 = 0x4000_0003

    /// - Parameter name: As in `SCMP_ARCH_X86_64`.
    init?(_ name: String) {
        guard name.hasPrefix("SCMP_ARCH_") else { return nil }
        let token = seccomp_arch_resolve_name(name.dropFirst("SCMP_ARCH_".count).lowercased())
        guard token != 0 else { return nil }
        self.init(token: token)
    }

    private init(token: UInt32) {
        self.token = token
        auditArchitecture = isX32(token) ? seccomp_arch_resolve_name("x86_64") : token
    }

    /// That of this program.
    static var native: SystemCallTable { SystemCallTable(token: seccomp_arch_native()) }

    /// The bits in which the numbers of one architecture differ from those of the other with the same audit value.
    var numberSpace: UInt32 { isX32(token) ? SystemCallTable.x32Bit : 0 }

    /// The number of a call; `nil` where there is none of this name.
    func number(of name: String) -> UInt32? {
        let number = seccomp_syscall_resolve_name_arch(token, name)
        if number >= 0 { return UInt32(number) }
        // libseccomp has numbers below zero for calls that this architecture lacks, or has within another call as well.
        if token == SystemCallTable.x86Token, let direct = SystemCallTable.x86Direct[name] { return direct }
        guard number == __NR_SCMP_ERROR, let recent = SystemCallTable.recent[name] else { return nil }
        return isMIPS(token) ? nil : recent | numberSpace
    }

    /// Calls of 32-bit x86 that once were parts of `socketcall` and `ipc`.
    private static let x86Direct: [String: UInt32] = [
        "socket": 359, "socketpair": 360, "bind": 361, "connect": 362, "listen": 363, "accept4": 364,
        "getsockopt": 365, "setsockopt": 366, "getsockname": 367, "getpeername": 368, "sendto": 369, "sendmsg": 370,
        "recvfrom": 371, "recvmsg": 372, "recvmmsg": 337, "sendmmsg": 345, "shutdown": 373, "semget": 393,
        "semctl": 394, "shmget": 395, "shmctl": 396, "shmat": 397, "shmdt": 398, "msgget": 399,
        "msgsnd": 400, "msgrcv": 401, "msgctl": 402,
    ]

    /// Calls that are newer than the libseccomp of today's distributions; they have one number everywhere but on MIPS.
    private static let recent: [String: UInt32] = [
        "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
        "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
        "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465,
        "removexattrat": 466,
    ]
}

private func isX32(_ token: UInt32) -> Bool { token == 0x4000_003E }

/// EM_MIPS is 8; the rest of the low half are machines that share one numbering since Linux 5.1.
private func isMIPS(_ token: UInt32) -> Bool { token & 0xFFFF == 8 }

/// Names of the native architecture as Go has them, for the conditions of profiles.
func goArchitecture() -> String {
    #if arch(x86_64)
        "amd64"
    #elseif arch(arm64)
        "arm64"
    #elseif arch(i386)
        "386"
    #elseif arch(arm)
        "arm"
    #elseif arch(s390x)
        "s390x"
    #elseif arch(powerpc64le)
        "ppc64le"
    #elseif arch(riscv64)
        "riscv64"
    #else
        ""
    #endif
}
