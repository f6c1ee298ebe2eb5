// Which system calls the supervisor answers.

#include "supervise.h"

#include <linux/audit.h>
#include <sched.h>
#include <sys/prctl.h>
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

// Those that a traced process makes another call of, or the same with another path, by the tracer: always, or with some
// bits of an argument.
static const struct trapped traced_calls[] = {
#ifdef __x86_64__
    {.number = SYS_open, .argument = 1, .value = O_PATH, .when = WITH_BITS},
#endif
    {.number = SYS_openat, .argument = 2, .value = O_PATH, .when = WITH_BITS},
    {.number = SYS_chdir},
    {.number = SYS_execve},
    {.number = SYS_execveat},
    {.number = SYS_inotify_add_watch},
    {.number = SYS_bind},
    {.number = SYS_connect},
    {.number = SYS_sendto, .argument = 4, .value = ~0u, .when = WITH_BITS},
};

// Those that its supervisor does.
static const int performed_calls[] = {
#ifdef __x86_64__
    SYS_open,     SYS_creat,       SYS_stat,       SYS_lstat,      SYS_access,      SYS_readlink,     SYS_mkdir,
    SYS_mknod,    SYS_rmdir,       SYS_unlink,     SYS_rename,     SYS_link,        SYS_symlink,      SYS_chmod,
    SYS_chown,    SYS_lchown,      SYS_utime,      SYS_utimes,     SYS_futimesat,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
    SYS_openat,   SYS_openat2,     SYS_newfstatat, SYS_statx,      SYS_faccessat,   SYS_faccessat2,   SYS_readlinkat,
    SYS_mkdirat,  SYS_mknodat,     SYS_unlinkat,   SYS_renameat2,  SYS_linkat,      SYS_symlinkat,    SYS_fchmodat,
    SB_FCHMODAT2, SYS_fchownat,    SYS_utimensat,  SYS_truncate,   SYS_statfs,      SYS_getxattr,     SYS_lgetxattr,
    SYS_setxattr, SYS_lsetxattr,   SYS_listxattr,  SYS_llistxattr, SYS_removexattr, SYS_lremovexattr, SYS_getcwd,
    SYS_bind,     SYS_getsockname, SYS_getpeername};

// Programs do without these, as on an older kernel: those of extended attributes and of the same with a directory, and
// what would name files that no filter sees.
static const int refused_calls[] = {SYS_io_uring_setup, SYS_name_to_handle_at, 463, 464, 465, 466, 468, 469};

// These do nothing where nobody needs a promise, as in an overlay that is mounted `volatile`.
static const int sync_calls[] = {SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_syncfs, SYS_sync};

struct writer {
    struct sock_filter *filter;
    size_t length;
};

static void add(struct writer *writer, unsigned code, unsigned value, size_t if_so, size_t if_not) {
    writer->filter[writer->length++] =
        (struct sock_filter){(unsigned short)code, (unsigned char)if_so, (unsigned char)if_not, value};
}

static void add_call(struct writer *writer, int number, unsigned result) {
    add(writer, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1);
    add(writer, BPF_RET | BPF_K, result, 0, 0);
}

// The same where an argument is as it says; `otherwise` is the end of others, and 0 where later lines decide.
static void add_trapped(struct writer *writer, const struct trapped *call, unsigned result, unsigned otherwise) {
    if (call->when == ALWAYS) {
        add_call(writer, call->number, result);
        return;
    }
    unsigned place = (unsigned)(offsetof(struct seccomp_data, args) + call->argument * sizeof(uint64_t));
    const int if_not = call->when == WITHOUT_BITS;
    add(writer, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call->number, 0, 4);
    add(writer, BPF_LD | BPF_W | BPF_ABS, place, 0, 0);
    add(writer, BPF_JMP | (call->when == EQUAL ? BPF_JEQ : BPF_JSET) | BPF_K, call->value, if_not, !if_not);
    add(writer, BPF_RET | BPF_K, result, 0, 0);
    if (otherwise != 0) add(writer, BPF_RET | BPF_K, otherwise, 0, 0);
    else add(writer, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void add_traced(struct writer *writer) {
    const struct trapped dumpable = {.number = SYS_prctl, .argument = 0, .value = PR_SET_DUMPABLE, .when = EQUAL};
    for (size_t index = 0; index < COUNT(traced_calls); index++) {
        add_trapped(writer, &traced_calls[index], SECCOMP_RET_TRACE, 0);
    }
    for (size_t index = 0; index < COUNT(performed_calls); index++) {
        add_call(writer, performed_calls[index], SECCOMP_RET_USER_NOTIF);
    }
    for (size_t index = 0; index < COUNT(refused_calls); index++) {
        add_call(writer, refused_calls[index], SECCOMP_RET_ERRNO | ENOSYS);
    }
    // Its supervisor must see it.
    add_trapped(writer, &dumpable, SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW);
}

// Sends some calls to the listener and leaves the others to the other filters.
size_t sb_write_traps(const struct sb_configuration *configuration, struct sock_filter filter[SB_LARGEST_FILTER]) {
    const struct trapped *calls = sb_emulates_users(configuration) ? calls_on_owners : calls_on_places;
    struct writer writer = {.filter = filter};
    add(&writer, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    add(&writer, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0);
    add(&writer, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    add(&writer, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    for (size_t index = 0; configuration->syncs_nothing && index < COUNT(sync_calls); index++) {
        add_call(&writer, sync_calls[index], SECCOMP_RET_ERRNO); // with the number 0: success
    }
    if (configuration->isolation == SB_ISOLATION_TRACED) add_traced(&writer);
    for (; calls->number != -1; calls++) add_trapped(&writer, calls, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ALLOW);
    add(&writer, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    return writer.length;
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
