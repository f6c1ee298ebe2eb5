// A process of ours that ends what runs in sandboxes when this program is killed.
//
// PR_SET_PDEATHSIG alone does not do it: a process may clear it, and the kernel clears it when a program changes its
// user, as sudo does. The watcher holds a pidfd of each first process; with it, the kernel ends all of its namespace.
// It is a copy of this program, with a memory of its own, so that the kernel does not end both when memory runs out,
// and in a session of its own, so that a signal for our process group does not reach it.

#include "child.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LIMIT 1000 // processes at the same time; more wait for one of these to end

// What a child says of itself beside its pidfd.
struct introduction {
    pid_t group; // ended with it where there is no namespace, or 0
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct watched {
    struct pollfd entries[2 + LIMIT]; // this program, the socket, and the processes
    pid_t groups[2 + LIMIT];
    nfds_t count;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int children_end = -1;
static pid_t owner; // a fork's watcher is not its own
static pid_t watcher;
static struct watched watched;

static int open_pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

// Takes one introduction: 1, or 0 when there is none.
static int receive(int socket) {
    struct introduction introduction;
    union control control;
    struct iovec part = {&introduction, sizeof introduction};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count != sizeof introduction) return 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) return 1;
    int pidfd;
    memcpy(&pidfd, CMSG_DATA(header), sizeof pidfd);
    watched.entries[watched.count] = (struct pollfd){.fd = pidfd, .events = POLLIN};
    watched.groups[watched.count++] = introduction.group;
    return 1;
}

static void forget_ended(void) {
    for (nfds_t index = 2; index < watched.count;) {
        if (watched.entries[index].revents == 0) {
            index++;
            continue;
        }
        close(watched.entries[index].fd);
        watched.count--;
        watched.entries[index] = watched.entries[watched.count];
        watched.groups[index] = watched.groups[watched.count];
    }
}

static void end_all(void) {
    for (nfds_t index = 2; index < watched.count; index++) {
        syscall(SYS_pidfd_send_signal, watched.entries[index].fd, SIGKILL, NULL, 0);
        if (watched.groups[index] > 0) kill(-watched.groups[index], SIGKILL);
    }
}

static _Noreturn void watch(int program, int socket, int groups) {
    syscall(SYS_setsid);
    if (chdir("/") != 0) _exit(1);
    prctl(PR_SET_NAME, "swiftbuild-end");
    sb_close_all_but((const int[]){program, socket, groups}, 3, 0);
    watched.entries[0] = (struct pollfd){.fd = program, .events = POLLIN};
    watched.entries[1] = (struct pollfd){.fd = socket, .events = POLLIN};
    watched.count = 2;
    for (;;) {
        watched.entries[1].fd = watched.count < 2 + LIMIT ? socket : -1;
        if (poll(watched.entries, watched.count, -1) < 0) continue;
        if (watched.entries[0].revents != 0) break;
        int is_message = watched.entries[1].revents & POLLIN, is_closed = watched.entries[1].revents & POLLHUP;
        forget_ended();
        // A closed socket is readable for ever, and what was sent before comes first.
        if (is_message && receive(socket)) continue;
        if (is_closed) break; // the program is about to exit
    }
    while (watched.count < 2 + LIMIT && receive(socket)) continue;
    end_all();
    sb_device_group_remove(groups);
    _exit(0);
}

// Copies this process; only the calling thread is in the copy, which calls nothing but the kernel.
static int start(int ours, int theirs) {
    sigset_t all, before;
    int program = open_pidfd(getpid());
    if (program < 0) return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // No signal when it ends: code that waits for any child does not mean this one.
    long pid = syscall(SYS_clone, 0ul, NULL, NULL, NULL, 0ul);
    if (pid == 0) {
        close(ours);
        watch(program, theirs, sb_device_group_parent());
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sb_close(program);
    watcher = (pid_t)pid;
    return pid < 0 ? -1 : 0;
}

// Waits for the watcher's end: where the first process of a container reaps nothing, as a shell or `sleep` in a CI job,
// one of them would stay behind from each build.
static void finish(void) {
    if (pthread_mutex_trylock(&mutex) != 0) return;
    if (owner == getpid() && children_end >= 0) {
        close(children_end);
        children_end = -1;
        waitpid(watcher, NULL, __WALL);
    }
    pthread_mutex_unlock(&mutex);
}

int sb_watcher(void) {
    pthread_mutex_lock(&mutex);
    if (owner != getpid()) {
        if (children_end >= 0) close(children_end);
        children_end = -1;
        owner = getpid();
    }
    static int is_registered;
    if (!is_registered) is_registered = atexit(finish) == 0;
    int ends[2];
    if (children_end < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
        if (start(ends[0], ends[1]) == 0) children_end = ends[0];
        else sb_close(ends[0]);
        sb_close(ends[1]);
    }
    int result = children_end;
    pthread_mutex_unlock(&mutex);
    return result;
}

void sb_watcher_is_gone(int socket) {
    pthread_mutex_lock(&mutex);
    if (children_end == socket) {
        close(socket);
        children_end = -1;
    }
    pthread_mutex_unlock(&mutex);
}

int sb_introduce(const struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    int is_alone =
        sb_has_namespaces(configuration) && !configuration->shares_processes && configuration->joined_processes < 0;
    pid_t own = (pid_t)syscall(SYS_getpid);
    struct introduction introduction = {.group = is_alone ? 0 : own};
    int pidfd = open_pidfd(own);
    // Kernels that have no pidfd have no namespaces for us either; there the signal on death has to do.
    if (pidfd < 0) return errno == ENOSYS && !is_alone ? 0 : -1;
    union control control;
    struct iovec part = {&introduction, sizeof introduction};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memset(&control, 0, sizeof control);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof pidfd);
    memcpy(CMSG_DATA(header), &pidfd, sizeof pidfd);
    ssize_t sent = sendmsg(child->watcher, &message, MSG_NOSIGNAL);
    sb_close(pidfd);
    return sent == sizeof introduction ? 0 : -1;
}
