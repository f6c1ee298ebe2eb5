// Which system calls the supervisor answers.

#include "supervise.h"

#include <linux/audit.h>
#include <sched.h>
#include <sys/socket.h>

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define NATIVE_ARCHITECTURE 0
#endif

int sb_can_trap(void) { return NATIVE_ARCHITECTURE != 0; }

// A call that is answered: always, or if the lower half of an argument has something to do with a value.
struct trapped {
    int number;
    unsigned argument;
    unsigned value;
    enum { ALWAYS, WITHOUT_BITS, WITH_BITS, EQUAL } when;
};

// A descriptor's status is the kernel's to tell, and fstat of the C library is such a call.
static const struct trapped calls_on_places[] = {
#ifdef __x86_64__
    {.number = SYS_open},
    {.number = SYS_stat},
    {.number = SYS_lstat},
    {.number = SYS_access},
    {.number = SYS_readlink},
#endif
    {.number = SYS_openat},
    {.number = SYS_openat2},
    {.number = SYS_newfstatat, .argument = 3, .value = AT_EMPTY_PATH, .when = WITHOUT_BITS},
    {.number = SYS_statx, .argument = 2, .value = AT_EMPTY_PATH, .when = WITHOUT_BITS},
    {.number = SYS_faccessat},
    {.number = SYS_faccessat2},
    {.number = SYS_readlinkat},
    {.number = SYS_chdir},
    {.number = SYS_fchdir},
    {.number = SYS_execve},
    {.number = SYS_uname},
    {.number = -1},
};

// Those on files whose owners are records, and on who a process is.
static const struct trapped calls_on_owners[] = {
#ifdef __x86_64__
    {.number = SYS_open, .argument = 1, .value = O_CREAT, .when = WITH_BITS},
    {.number = SYS_creat},
    {.number = SYS_stat},
    {.number = SYS_lstat},
    {.number = SYS_chown},
    {.number = SYS_lchown},
    {.number = SYS_mkdir},
    {.number = SYS_mknod},
    {.number = SYS_symlink},
#endif
    {.number = SYS_openat, .argument = 2, .value = O_CREAT, .when = WITH_BITS},
    {.number = SYS_newfstatat},
    {.number = SYS_statx},
    {.number = SYS_fstat},
    {.number = SYS_fchown},
    {.number = SYS_fchownat},
    {.number = SYS_mkdirat},
    {.number = SYS_mknodat},
    {.number = SYS_symlinkat},
    {.number = SYS_utimensat, .argument = 3, .value = AT_SYMLINK_NOFOLLOW, .when = WITH_BITS},
    {.number = SYS_chroot},
    {.number = SYS_pivot_root},
    {.number = SYS_unshare},
    {.number = SYS_setns},
    {.number = SYS_clone, .argument = 0, .value = CLONE_NEWNS, .when = WITH_BITS},
    {.number = SYS_getuid},
    {.number = SYS_geteuid},
    {.number = SYS_getgid},
    {.number = SYS_getegid},
    {.number = SYS_getresuid},
    {.number = SYS_getresgid},
    {.number = SYS_getgroups},
    {.number = SYS_setuid},
    {.number = SYS_setgid},
    {.number = SYS_setreuid},
    {.number = SYS_setregid},
    {.number = SYS_setresuid},
    {.number = SYS_setresgid},
    {.number = SYS_setgroups},
    {.number = SYS_setfsuid},
    {.number = SYS_setfsgid},
    {.number = SYS_uname},
    {.number = SYS_setrlimit, .argument = 0, .value = SB_IDENTITY_LIMIT, .when = EQUAL},
    {.number = SYS_prlimit64, .argument = 1, .value = SB_IDENTITY_LIMIT, .when = EQUAL},
    {.number = -1},
};

int sb_changes_root(int number) {
    return number == SYS_chroot || number == SYS_pivot_root || number == SYS_unshare || number == SYS_setns ||
           number == SYS_clone;
}

// Calls with paths that are younger than the proot of distributions, which leaves them as they are: programs do without
// them, as on an older kernel.
static const int young_calls[] = {SYS_statx,     SYS_faccessat2, SYS_openat2,
                                  SYS_renameat2, SYS_execveat,   452 /* fchmodat2 */};

// These do nothing where nobody needs a promise, as in an overlay that is mounted `volatile`.
static const int sync_calls[] = {SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_syncfs, SYS_sync};

// Sends some calls to the listener and leaves the others to the other filters.
size_t sb_write_traps(const struct sb_configuration *configuration, struct sock_filter filter[SB_LARGEST_FILTER]) {
    const struct trapped *calls = sb_emulates_users(configuration) ? calls_on_owners : calls_on_places;
    // Where the kernel has no root, one is to write to what it may not.
    const unsigned writes = configuration->isolation == SB_ISOLATION_TRACED ? O_WRONLY | O_RDWR : 0;
    size_t length = 0;
#define ADD(...) filter[length++] = (struct sock_filter)__VA_ARGS__
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0));
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    for (size_t index = 0; writes != 0 && index < sizeof young_calls / sizeof *young_calls; index++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)young_calls[index], 0, 1));
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    for (size_t index = 0; configuration->syncs_nothing && index < sizeof sync_calls / sizeof *sync_calls; index++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)sync_calls[index], 0, 1));
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO)); // with the number 0: success
    }
    for (; calls->number != -1; calls++) {
        if (calls->when == ALWAYS) {
            ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls->number, 0, 1));
            ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
            continue;
        }
        unsigned place = (unsigned)(offsetof(struct seccomp_data, args) + calls->argument * sizeof(uint64_t));
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls->number, 0, 4));
        ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place));
        const unsigned value = calls->value | (calls->value == O_CREAT ? writes : 0);
        const int if_not = calls->when == WITHOUT_BITS;
        ADD(BPF_JUMP(BPF_JMP | (calls->when == EQUAL ? BPF_JEQ : BPF_JSET) | BPF_K, value, if_not, !if_not));
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
#undef ADD
    return length;
}

// What takes the place of a network namespace where there is none: every socket is refused that could reach more than
// this machine's programs and its kernel. The numbers of 32-bit programs are others.
int sb_refuse_network(void) {
#if defined(__x86_64__)
    const unsigned others[] = {102, 359}; // socketcall, which is all calls on sockets, and socket
#else
    const unsigned others[] = {281, 281};
#endif
    const unsigned place = (unsigned)offsetof(struct seccomp_data, args);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 5, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, others[0], 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, others[1], 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x3fffffff), // x32
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (!sb_can_trap()) {
        errno = ENOSYS;
        return -1;
    }
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
