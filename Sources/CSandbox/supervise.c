// The process that answers system calls.

#include "tracer.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

// Linux 5.9 gives files to who is answered, which no call tells but its number; a profile may refuse each part.
static int find_out_answering(void) {
    struct seccomp_notif_sizes sizes;
    struct utsname names;
    if (!sb_can_trap() || syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return 0;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, NULL) == 0) return 0;
    if (errno != EFAULT) return 0;
    if (ioctl(-1, SECCOMP_IOCTL_NOTIF_ADDFD, NULL) == 0 || errno != EBADF || uname(&names) != 0) return 0;
    char *rest;
    unsigned long major = strtoul(names.release, &rest, 10), minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
    return major > 5 || (major == 5 && minor >= 9);
}

int sb_can_answer(void) {
    // Kept, since the filter of a program may forbid to find it out.
    static _Atomic int known;
    if (known == 0) known = find_out_answering() ? 1 : 2;
    return known == 1;
}

int sb_emulates_users(const struct sb_configuration *configuration) {
    return sb_has_one_user(configuration) && sb_can_answer();
}

int sb_is_supervised(const struct sb_configuration *configuration) {
    if (!sb_can_trap() || configuration->probe || configuration->held) return 0;
    if (configuration->entered >= 0) return 0;
    return (configuration->isolation == SB_ISOLATION_CHROOT && sb_can_trap()) || sb_emulates_users(configuration);
}

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_file(int socket, int file) {
    union control control;
    char byte = 0;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memset(&control, 0, sizeof control);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof file);
    memcpy(CMSG_DATA(header), &file, sizeof file);
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

// -1 where the other end is closed first.
static int receive_file(int socket) {
    union control control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count;
    do count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    struct cmsghdr *header = count == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) return -1;
    int file;
    memcpy(&file, CMSG_DATA(header), sizeof file);
    return file;
}

// A kernel without this, or a listener further up, leaves the program without: as it is where nothing is emulated.
int sb_become_supervised(const struct sb_child *child) {
    struct sock_filter filter[SB_LARGEST_FILTER];
    struct sock_fprog program = {.filter = filter};
    const int emulates = sb_emulates_users(child->configuration);
    program.len = (unsigned short)sb_write_traps(child->configuration, filter);
    // Without CAP_SYS_ADMIN a filter takes this, by which set-user-ID programs lose their effect.
    if (!sb_has_namespaces(child->configuration) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    const unsigned long flags[] = {SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                                   SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0};
    int listener = -1;
    for (int index = 0; listener < 0 && index < 3 && sb_can_answer(); index++) {
        listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags[index],
                                &program);
    }
    // Whoever is to be another user must not be root instead.
    int is_needed = emulates && (child->configuration->user != 0 || child->configuration->group != 0);
    int result = listener >= 0 ? send_file(child->supervisor, listener) : is_needed ? -1 : 0;
    sb_close(listener);
    return result;
}

void sb_act_as(uid_t user, gid_t group) {
    syscall(SYS_setfsgid, group);
    syscall(SYS_setfsuid, user);
}

// Without CAP_SYS_PTRACE only the user of a process may look into it, and this one is to open what that one may.
void sb_act_for(const struct sb_supervisor *supervisor, struct sb_call *call) {
    char name[SB_DIGITS];
    struct stat status;
    if (call->acts || supervisor->is_traced) return; // every process has the same user
    sb_append_number(name, (unsigned)call->thread);
    if (fstatat(supervisor->proc, name, &status, 0) != 0 || (status.st_uid == 0 && status.st_gid == 0)) return;
    call->acts = 1;
    sb_act_as(status.st_uid, status.st_gid);
}

void sb_send_answer(const struct sb_supervisor *supervisor, const struct sb_call *call,
                    const struct sb_answer *answer) {
    struct seccomp_notif_resp response = {
        .id = call->id,
        .val = answer->is_continued || answer->error != 0 ? 0 : answer->value,
        .error = answer->is_continued ? 0 : -answer->error,
        .flags = answer->is_continued ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
    };
    // One that was killed meanwhile needs no answer.
    ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void answer(struct sb_supervisor *supervisor, struct seccomp_notif *request) {
    struct sb_call call = {.id = request->id,
                           .thread = (pid_t)request->pid,
                           .number = request->data.nr,
                           .arguments = (const uint64_t *)request->data.args};
    struct sb_answer found;
    if (!supervisor->is_traced || !sb_answer_loader(supervisor, &call, &found)) {
        found = supervisor->emulates_users ? sb_answer_for_owners(supervisor, &call)
                                           : sb_answer_for_places(supervisor, &call);
    }
    if (call.acts) sb_act_as(0, 0);
    if (!found.is_later) sb_send_answer(supervisor, &call, &found);
}

static void kill_children(void) {
    char children[4096];
    int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, children, sizeof children - 1);
    if (file >= 0) close(file);
    pid_t pid = 0;
    for (ssize_t index = 0; index < length; index++) {
        if (children[index] >= '0' && children[index] <= '9') {
            pid = pid * 10 + (children[index] - '0');
        } else if (pid > 0) {
            kill(pid, SIGKILL);
            pid = 0;
        }
    }
}

// Whatever the program has left runs no longer than it, as in a namespace.
static void end_rest(void) {
    for (int attempt = 0; attempt < 1000; attempt++) {
        kill_children();
        if (waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD) return;
    }
}

static _Noreturn void end_like(const struct sb_supervisor *supervisor, int status) {
    end_rest();
    sb_remove_links(supervisor);
    if (!WIFSIGNALED(status)) _exit(WEXITSTATUS(status));
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    sigaction(WTERMSIG(status), &standard, NULL);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    kill(getpid(), WTERMSIG(status));
    sigprocmask(SIG_SETMASK, &none, NULL);
    _exit(128 + WTERMSIG(status));
}

// Orphans of the program come to this process. The program itself is collected once the caller has a pidfd of it.
static void reap(struct sb_supervisor *supervisor) {
    const pid_t program = supervisor->program;
    for (;;) {
        siginfo_t ended = {0};
        int status;
        char ignored;
        const int events = WEXITED | (supervisor->is_traced ? WSTOPPED : 0);
        if (waitid(P_ALL, 0, &ended, events | WNOHANG | WNOWAIT | __WALL) != 0 || ended.si_pid == 0) return;
        const int is_end = ended.si_code != CLD_TRAPPED && ended.si_code != CLD_STOPPED;
        while (is_end && ended.si_pid == program && read(supervisor->known, &ignored, 1) < 0 && errno == EINTR)
            continue;
        pid_t waited = waitpid(ended.si_pid, &status, __WALL | WNOHANG);
        if (waited <= 0) continue;
        if (WIFSTOPPED(status)) {
            sb_handle_stop(supervisor, waited, status);
            continue;
        }
        sb_forget_thread(waited);
        if (waited == program) end_like(supervisor, status);
    }
}

static _Noreturn void serve(struct sb_supervisor *supervisor, int signals, int socket) {
    static char space[4096];
    struct seccomp_notif *request = (struct seccomp_notif *)(void *)space;
    struct pollfd entries[] = {{.fd = signals, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
    for (;;) {
        if (poll(entries, 2, -1) < 0) continue;
        if (entries[0].revents != 0) {
            char ignored[512];
            if (read(signals, ignored, sizeof ignored) < 0 && errno != EAGAIN) _exit(126);
            reap(supervisor);
        }
        if (entries[1].revents == 0) continue;
        if (supervisor->listener < 0) {
            supervisor->listener = receive_file(socket);
            close(socket);
            entries[1].fd = supervisor->listener;
            uint64_t wakes_at_once = 1;
            if (supervisor->listener >= 0) {
                ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, wakes_at_once);
            }
            continue;
        }
        if (entries[1].revents & POLLIN) {
            memset(space, 0, sizeof *request);
            if (ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_RECV, request) != 0) continue;
            answer(supervisor, request);
        } else if (entries[1].revents & POLLHUP) entries[1].fd = -1; // no process is left that would ask
    }
}

static int find_root(struct sb_supervisor *supervisor) {
    char name[14 + SB_DIGITS] = "/proc/self/fd/";
    struct stat status;
    supervisor->root = open(supervisor->configuration->root_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (supervisor->root < 0 || fstat(supervisor->root, &status) != 0) return -1;
    sb_append_number(name + 14, (unsigned)supervisor->root);
    ssize_t length = readlink(name, supervisor->root_path, sizeof supervisor->root_path - 1);
    if (length < 0) return -1;
    supervisor->root_length = (size_t)length;
    supervisor->root_path[length] = 0;
    supervisor->root_device = status.st_dev;
    supervisor->root_inode = status.st_ino;
    return 0;
}

// Descriptors have numbers that processes know, and their names in /proc must be theirs to use.
static int begin_tracing(struct sb_supervisor *supervisor) {
    struct rlimit files;
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, NULL);
    }
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    supervisor->loader = sb_make_loader();
    return supervisor->loader < 0 ? -1 : 0;
}

int sb_supervise(struct sb_child *child) {
    static struct sb_supervisor supervisor;
    supervisor = (struct sb_supervisor){
        .configuration = child->configuration, .listener = -1, .root = -1, .known = child->known, .loader = -1};
    supervisor.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (supervisor.proc < 0) return -1;
    const int emulates = sb_emulates_users(child->configuration);
    supervisor.emulates_users = emulates;
    supervisor.is_traced = child->configuration->isolation == SB_ISOLATION_TRACED;
    if ((!emulates || supervisor.is_traced) && find_root(&supervisor) != 0) return -1;
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (supervisor.is_traced && begin_tracing(&supervisor) != 0) return -1;
    sigset_t all, child_ends;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // Outside of its namespace no process of the program sees this one.
    const int is_outside = sb_has_namespaces(child->configuration) && !child->configuration->shares_processes;
    unsigned long flags = SIGCHLD | (is_outside ? CLONE_NEWPID : 0);
    pid_t program = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0ul);
    if (program < 0) return -1;
    if (program == 0) {
        // Messages of both would mix.
        char byte;
        close(sockets[0]);
        close(child->known);
        if (supervisor.is_traced && sb_map_loader(supervisor.loader) != 0) _exit(127);
        if (read(sockets[1], &byte, 1) != 1) _exit(127);
        child->supervisor = sockets[1];
        child->signals_on_death = 1;
        return 0;
    }
    if (supervisor.is_traced && sb_trace(program) != 0) {
        const int error = errno;
        kill(program, SIGKILL);
        waitpid(program, NULL, __WALL);
        errno = error;
        return -1;
    }
    char message[1 + sizeof program] = "C";
    memcpy(message + 1, &program, sizeof program);
    if (write(child->report, message, sizeof message) != (ssize_t)sizeof message) _exit(127);
    if (write(sockets[0], "", 1) != 1) _exit(127);
    if (child->signals_on_death) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "swiftbuild-run");
    sigemptyset(&child_ends);
    sigaddset(&child_ends, SIGCHLD);
    int signals = (int)syscall(SYS_signalfd4, -1, &child_ends, 8, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const int kept[] = {signals, sockets[0], supervisor.proc, supervisor.root, supervisor.known, supervisor.loader};
    sb_close_all_but(kept, sizeof kept / sizeof kept[0], 0);
    // Names of records are relative to it, wherever the root is. Within another chroot, whose supervisor lets nobody go
    // there, there are none.
    if (signals < 0 || (fchdir(supervisor.proc) != 0 && emulates)) _exit(126);
    supervisor.program = program;
    serve(&supervisor, signals, sockets[0]);
}
