// The child's way from the clone to execve.

#include "supervise.h"

#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>

static _Noreturn void fail(struct sb_child *child) {
    child->position.error = errno;
    char message[1 + sizeof child->position];
    message[0] = 'F';
    memcpy(message + 1, &child->position, sizeof child->position);
    // A parent that has ended needs no message.
    ssize_t ignored = write(child->report, message, sizeof message);
    (void)ignored;
    _exit(127);
}

static void at(struct sb_child *child, enum sb_step step) {
    child->position.step = step;
    child->position.index = 0;
}

static void check(struct sb_child *child, int result) {
    if (result < 0) fail(child);
}

// Handlers belong to the parent's code, which must not run here, and ignored signals would stay ignored in the program.
// By system call, since the C library keeps signals 32 and 33 to itself; all zero is SIG_DFL without flags on every
// architecture.
static void reset_signals(void) {
    const char action[64] = {0};
    for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, action, NULL, 8);
}

// Everything else that this program has open, but for its own streams, which are replaced later. At once, since a file
// that another thread is still writing could not be executed (ETXTBSY) as long as it is open here.
static void close_others(const struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    const int own[] = {configuration->standard_input,
                       configuration->standard_output,
                       configuration->standard_error,
                       configuration->entered,
                       configuration->network,
                       configuration->joined_processes,
                       configuration->joined_ipc,
                       child->report,
                       child->watcher,
                       child->known};
    const size_t own_count = sizeof own / sizeof own[0], count = configuration->open_directory_count;
    int kept[own_count + count]; // as many as overlays have directories: a few kilobytes
    memcpy(kept, own, sizeof own);
    if (count > 0) memcpy(kept + own_count, configuration->open_directories, count * sizeof kept[0]);
    sb_close_all_but(kept, own_count + count, 3);
}

static int raise_loopback(void) {
    int socket_descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_descriptor < 0) return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int result = ioctl(socket_descriptor, SIOCSIFFLAGS, &request);
    sb_close(socket_descriptor);
    return result;
}

static void enter_namespaces(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    if (configuration->isolation == SB_ISOLATION_SINGLE_USER) {
        at(child, SB_STEP_IDENTITY_MAP);
        check(child, sb_map_identity(child));
    }
    if (configuration->network >= 0 && configuration->isolation != SB_ISOLATION_SINGLE_USER) {
        at(child, SB_STEP_NETWORK);
        check(child, setns(configuration->network, CLONE_NEWNET));
    }
    if (configuration->new_network) {
        at(child, SB_STEP_LOOPBACK);
        check(child, raise_loopback());
    }
    at(child, SB_STEP_PRIVATE_MOUNTS);
    check(child, sb_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

// Processes are counted and limited from the first one on.
static void join_control_groups(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    at(child, SB_STEP_CONTROL_GROUP);
    for (size_t index = 0; index < configuration->control_group_count; index++) {
        child->position.index = (int)index;
        check(child, (int)write(configuration->control_groups[index], "0", 1));
    }
}

static void set_memory_score(struct sb_child *child) {
    if (!child->configuration->has_memory_score) return;
    at(child, SB_STEP_MEMORY_SCORE);
    const int score = child->configuration->memory_score;
    char text[1 + SB_DIGITS] = "-";
    sb_append_number(text + (score < 0), (uint64_t)(score < 0 ? -score : score));
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    check(child, file);
    check(child, (int)write(file, text, strlen(text)));
    close(file);
}

static void set_names(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    at(child, SB_STEP_HOSTNAME);
    check(child, (int)syscall(SYS_sethostname, configuration->hostname, strlen(configuration->hostname)));
    const char *domain = configuration->domainname;
    if (domain != NULL) check(child, (int)syscall(SYS_setdomainname, domain, strlen(domain)));
}

static void build_root(struct sb_child *child) {
    int has_mounts = sb_has_namespaces(child->configuration);
    at(child, SB_STEP_ROOT);
    check(child, sb_mount_root(child));
    at(child, SB_STEP_DEVICES);
    check(child, has_mounts ? sb_mount_devices(child) : sb_make_devices(child));
    at(child, SB_STEP_PROC);
    check(child, has_mounts ? sb_mount_proc(child) : sb_make_place(child, "/proc"));
    at(child, SB_STEP_SYS);
    check(child, has_mounts ? sb_mount_sys(child) : sb_make_place(child, "/sys"));
    at(child, SB_STEP_KERNEL_PARAMETER);
    check(child, sb_set_parameters(child));
    at(child, SB_STEP_MOUNT);
    check(child, has_mounts ? sb_mount_table(child) : sb_imitate_mounts(child));
    at(child, SB_STEP_WORKING_DIRECTORY);
    int directory = sb_resolve(child, child->configuration->working_directory, SB_MISSING_WORKING_DIRECTORY, 1);
    check(child, directory);
    close(directory);
    if (has_mounts && !child->configuration->shares_names) set_names(child);
    at(child, SB_STEP_CHANGE_ROOT);
    if (child->configuration->read_only_root) check(child, sb_set_attributes(child->root, MOUNT_ATTR_RDONLY, 0));
    check(child, sb_change_root(child));
}

static void set_streams(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    int given[3] = {configuration->standard_input, configuration->standard_output, configuration->standard_error};
    at(child, SB_STEP_STANDARD_STREAMS);
    // First out of the way of each other, then to their places.
    for (int index = 0; index < 3; index++) check(child, given[index] = fcntl(given[index], F_DUPFD_CLOEXEC, 3));
    int *const others[] = {&child->report, &child->watcher, &child->supervisor};
    for (int index = 0; index < (sb_is_supervised(configuration) ? 3 : 2); index++) {
        if (*others[index] >= 3) continue;
        int moved = fcntl(*others[index], F_DUPFD_CLOEXEC, 3);
        check(child, moved);
        *others[index] = moved;
    }
    for (int index = 0; index < 3; index++) check(child, dup2(given[index], index));
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    for (long descriptor = 3, limit = sysconf(_SC_OPEN_MAX); descriptor < limit; descriptor++) {
        fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
    }
}

// A pipe can be opened again by its name in /proc, as /dev/stdout, by its owner only: the user of the program, as with
// other runtimes. Files and terminals of the caller are not given away; the terminal that was made for the program is.
static void give_streams(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    if (sb_has_one_user(configuration)) return; // who has them
    for (int index = 0; index < 3; index++) {
        struct stat status;
        struct statfs filesystem;
        check(child, fstat(index, &status));
        int is_pipe = S_ISFIFO(status.st_mode) && fstatfs(index, &filesystem) == 0 && filesystem.f_type == PIPEFS_MAGIC;
        if (!is_pipe && configuration->terminal == NULL) continue;
        // What cannot be given away still works unless it is opened again.
        if (status.st_uid != configuration->user && fchown(index, configuration->user, (gid_t)-1) != 0) continue;
    }
}

static void start_session(struct sb_child *child) {
    at(child, SB_STEP_TERMINAL);
    check(child, setsid());
    if (child->configuration->terminal != NULL) check(child, ioctl(0, TIOCSCTTY, 0));
}

// The place is looked up again from inside, without magic links, and must have a name below the root: a descriptor of
// the host that is reached through /proc has none (CVE-2024-21626).
static void enter_working_directory(struct sb_child *child) {
    at(child, SB_STEP_WORKING_DIRECTORY);
    const char *path = child->configuration->working_directory;
    if (child->configuration->isolation == SB_ISOLATION_TRACED) {
        int inside = sb_resolve(child, path, SB_MISSING_FAILS, 1);
        check(child, inside);
        check(child, fchdir(inside));
        close(inside);
        return;
    }
    int directory = sb_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
    if (directory < 0 && errno == ENOSYS) directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    check(child, directory);
    check(child, fchdir(directory));
    close(directory);
    char name[4096];
    long length = syscall(SYS_getcwd, name, sizeof name);
    check(child, (int)length);
    if (name[0] == '/') return;
    errno = EXDEV;
    fail(child);
}

// Ends with the parent: the signal is set last, since changing the user clears it, and the pipe tells whether it came
// too late. The watcher hears of it in between: whichever moment the parent ends in, one of the three takes care of it.
static void follow_parent(struct sb_child *child) {
    if (child->signals_on_death) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    at(child, SB_STEP_WATCHER);
    check(child, sb_introduce(child));
    struct pollfd reader = {.fd = child->report, .events = 0};
    if (poll(&reader, 1, 0) > 0 && reader.revents & POLLERR) _exit(127);
}

// What root makes before the program starts belongs to root whatever group the caller has joined.
static void forget_groups(struct sb_child *child) {
    if (child->configuration->isolation == SB_ISOLATION_SINGLE_USER || syscall(SYS_geteuid) != 0) return;
    at(child, SB_STEP_USER);
    check(child, (int)syscall(SYS_setresgid, 0, 0, 0));
}

// The process namespace is entered by the children of who calls setns, so the program is one: a brother of this
// process, which ends at once, since its parent is to be the same.
static void enter_process(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    int namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID;
    if (configuration->isolation == SB_ISOLATION_SINGLE_USER) namespaces |= CLONE_NEWUSER;
    at(child, SB_STEP_ENTER);
    // Until the program is executed, this program's file is what /proc inside shows of it (CVE-2016-9962,
    // CVE-2019-5736).
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int result = setns(configuration->entered, namespaces);
    // A network namespace that does not belong to the user namespace is the machine's, in which this process is
    // already.
    if (result != 0 && errno == EPERM && configuration->isolation != SB_ISOLATION_FULL) {
        result = setns(configuration->entered, namespaces & ~CLONE_NEWNET);
    }
    check(child, result);
    check(child, sb_clone_brother(child));
}

// As `enter_process`, but only into some namespaces.
static void join_namespaces(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    if (configuration->joined_ipc < 0 && configuration->joined_processes < 0) return;
    at(child, SB_STEP_ENTER);
    // What runs there could look into this program otherwise.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (configuration->joined_ipc >= 0) {
        check(child, sb_copy_shared_memory(child));
        check(child, setns(configuration->joined_ipc, CLONE_NEWIPC));
    }
    if (configuration->joined_processes >= 0) check(child, setns(configuration->joined_processes, CLONE_NEWPID));
}

// A network namespace can be entered only with rights in the user namespace that it belongs to, where the program's
// other namespaces must be made then: by a brother of this process, as above.
static void enter_network_owner(struct sb_child *child) {
    at(child, SB_STEP_NETWORK);
    int owner = ioctl(child->configuration->network, NS_GET_USERNS);
    check(child, owner);
    check(child, setns(owner, CLONE_NEWUSER));
    close(owner);
    check(child, setns(child->configuration->network, CLONE_NEWNET));
}

// Keeps a root with its mounts for others to look at and to change, without /proc and the like.
static _Noreturn void hold(struct sb_child *child) {
    at(child, SB_STEP_ROOT);
    check(child, sb_mount_root(child));
    at(child, SB_STEP_MOUNT);
    check(child, sb_mount_table(child));
    at(child, SB_STEP_CHANGE_ROOT);
    if (child->configuration->read_only_root) check(child, sb_set_attributes(child->root, MOUNT_ATTR_RDONLY, 0));
    check(child, sb_change_root(child));
    follow_parent(child);
    // With the pipe to the parent, which takes its end for success.
    sb_close_all_but(NULL, 0, 0);
    for (;;) pause();
}

static _Noreturn void start_program(struct sb_child *child);

static _Noreturn void start_in_root(struct sb_child *child) {
    if (sb_has_namespaces(child->configuration)) enter_namespaces(child);
    if (child->configuration->held) hold(child);
    if (sb_is_supervised(child->configuration)) {
        at(child, SB_STEP_SUPERVISOR);
        check(child, sb_supervise(child));
    }
    build_root(child);
    start_program(child);
}

_Noreturn void sb_brother_main(struct sb_child *child) {
    if (child->configuration->entered >= 0) start_program(child);
    start_in_root(child);
}

_Noreturn void sb_child_main(struct sb_child *child) {
    join_control_groups(child);
    set_memory_score(child);
    close_others(child);
    reset_signals();
    umask(0);
    forget_groups(child);
    if (!sb_has_brother(child->configuration)) start_in_root(child);
    if (child->configuration->entered >= 0) {
        enter_process(child);
    } else {
        if (sb_is_network_owned(child->configuration)) enter_network_owner(child);
        join_namespaces(child);
        at(child, SB_STEP_CLONE);
        check(child, sb_clone_brother(child));
    }
    _exit(0);
}

static void limit_self(struct sb_child *child) {
    at(child, SB_STEP_LIMITS);
    check(child, sb_set_limits(child));
    at(child, SB_STEP_CAPABILITIES);
    check(child, sb_drop_capabilities(child));
    at(child, SB_STEP_USER);
    check(child, sb_become_user(child));
    follow_parent(child);
}

// The program is a child then, with a memory of its own. It begins once this process is the init, and so no longer
// shows this program's file and memory in /proc (CVE-2019-5736). Signals stay blocked for the init.
static _Noreturn void start_with_init(struct sb_child *child) {
    at(child, SB_STEP_INIT);
    check(child, setsid());
    int gate[2];
    check(child, pipe2(gate, O_CLOEXEC));
    pid_t program = (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, 0ul);
    check(child, program);
    if (program == 0) {
        close(gate[1]);
        child->gate = gate[0];
        start_program(child);
    }
    close(gate[0]);
    int file = sb_open_init(child, program);
    check(child, file);
    check(child, chdir("/"));
    limit_self(child);
    umask(022);
    at(child, SB_STEP_FILTER);
    check(child, sb_filter_calls(child));
    at(child, SB_STEP_INIT);
    check(child, sb_execute_init(child, file));
    _exit(127);
}

static _Noreturn void start_program(struct sb_child *child) {
    if (!child->has_streams) {
        set_streams(child);
        give_streams(child);
        child->has_streams = 1;
        if (child->configuration->init_arguments != NULL) start_with_init(child);
    }
    start_session(child);
    enter_working_directory(child);
    limit_self(child);
    char ignored;
    if (child->gate > 0 && read(child->gate, &ignored, 1) != 0) _exit(127);
    umask(022);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    at(child, SB_STEP_FILTER);
    if (sb_is_supervised(child->configuration)) check(child, sb_become_supervised(child));
    const int has_none = child->configuration->new_network && !sb_has_namespaces(child->configuration);
    if (has_none) check(child, sb_refuse_network());
    check(child, sb_filter_calls(child));
    if (child->configuration->probe && child->configuration->isolation == SB_ISOLATION_TRACED) {
        at(child, SB_STEP_TRACER);
        check(child, sb_try_tracing(child));
    }
    if (child->configuration->probe) _exit(0);
    at(child, SB_STEP_EXECUTE);
    check(child, sb_execute(child));
    _exit(127);
}
