// Network namespaces of an ordinary user, who may have them only below a user namespace.

#include "child.h"

#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct made {
    int *sockets;
    int network;
    int error;
};

static int describe_network(void *argument) {
    struct made *made = argument;
    made->network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const int families[] = {0, 12}; // NETLINK_ROUTE, NETLINK_NETFILTER
    for (int index = 0; index < 2 && made->sockets != NULL && made->network >= 0; index++) {
        made->sockets[index] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, families[index]);
        if (made->sockets[index] < 0) break;
    }
    made->error = errno;
    _exit(0);
}

// The child has this process's memory and descriptors, and no other task than to open what it has for us.
int sb_new_network(int *sockets) {
    struct made made = {.sockets = sockets, .network = -1};
    char stack[32 << 10] __attribute__((aligned(16)));
    sigset_t all, before;
    if (sockets != NULL) sockets[0] = sockets[1] = -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD;
    pid_t pid = clone(describe_network, stack + sizeof stack, flags, &made);
    made.error = pid < 0 ? errno : made.error;
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = made.error;
    return made.network;
}

// Ends once no process shares the lock, and with it the companion that it is told of.
static _Noreturn void hold(const struct sb_child *maps, const int *namespaces, const char *lock, int ready,
                           int companion) {
    syscall(SYS_setsid);
    prctl(PR_SET_NAME, "swiftbuild-net");
    int result = chdir("/");
    if (result == 0 && namespaces == NULL) result = sb_map_identity(maps);
    if (result == 0 && namespaces != NULL) result = sb_enter_user(namespaces[0]);
    if (result == 0 && namespaces != NULL) result = setns(namespaces[1], CLONE_NEWNET);
    int error = result == 0 ? 0 : errno;
    sb_close_all_but((const int[]){ready, companion}, 2, 0);
    int file = error == 0 ? open(lock, O_RDONLY | O_CLOEXEC) : -1;
    if (error == 0 && file < 0) error = errno;
    ssize_t ignored = write(ready, &error, sizeof error);
    (void)ignored;
    close(ready);
    pid_t pid;
    int pidfd = -1;
    if (read(companion, &pid, sizeof pid) == sizeof pid) pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    close(companion);
    while (error == 0 && flock(file, LOCK_EX) != 0 && errno == EINTR) continue;
    if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    _exit(0);
}

pid_t sb_hold_network(const char *lock, const int *namespaces, int *companion) {
    struct sb_child maps = {0};
    sigset_t all, before;
    int ready[2], told[2], error = EIO;
    snprintf(maps.user_map, sizeof maps.user_map, "%u %u 1", geteuid(), geteuid());
    snprintf(maps.group_map, sizeof maps.group_map, "%u %u 1", getegid(), getegid());
    if (pipe2(ready, O_CLOEXEC) != 0) return -1;
    if (pipe2(told, O_CLOEXEC) != 0) {
        sb_close(ready[0]);
        sb_close(ready[1]);
        return -1;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // No signal when it ends: code that waits for any child does not mean this one.
    // Root of a user namespace stays in that.
    unsigned long new = geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    pid_t pid = (pid_t)syscall(SYS_clone, namespaces == NULL ? new : 0ul, NULL, NULL, NULL, 0ul);
    if (pid == 0) hold(&maps, namespaces, lock, ready[1], told[0]);
    sb_close(ready[1]);
    sb_close(told[0]);
    if (pid < 0) error = errno;
    else if (read(ready[0], &error, sizeof error) != sizeof error) error = EIO;
    close(ready[0]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) close(told[1]);
    *companion = error == 0 ? told[1] : -1;
    errno = error;
    return error == 0 ? pid : -1;
}

// Whether a file of /proc and one that is open are the same namespace.
static int is_same(const char *path, int descriptor) {
    struct stat own, other;
    return stat(path, &own) == 0 && fstat(descriptor, &other) == 0 && own.st_dev == other.st_dev &&
           own.st_ino == other.st_ino;
}

int sb_owns_network(void) {
    if (geteuid() != 0) return 0;
    int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    // The owner is not told where it is further up than this process.
    int owner = network < 0 ? -1 : ioctl(network, NS_GET_USERNS);
    int result = owner >= 0 && is_same("/proc/self/ns/user", owner);
    sb_close(owner);
    sb_close(network);
    return result;
}

int sb_enter_user(int descriptor) {
    return is_same("/proc/self/ns/user", descriptor) ? 0 : setns(descriptor, CLONE_NEWUSER);
}
