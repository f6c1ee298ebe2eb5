// A user namespace with the subordinate IDs of an ordinary user, which only newuidmap and newgidmap may map.

#include "child.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

extern char **environ;

static pid_t holder; // started by this process
static pid_t owner;
static int shared_lock = -1;

// Waits until it is mapped, and then until no process has a shared lock.
static _Noreturn void hold(const char *lock, int mapped, int ready) {
    char byte;
    prctl(PR_SET_NAME, "swiftbuild-ids");
    sb_close_all_but((const int[]){mapped, ready}, 2, 0);
    if (read(mapped, &byte, 1) != 1) _exit(1);
    close(mapped);
    syscall(SYS_setsid);
    int file = open(lock, O_RDONLY | O_CLOEXEC);
    if (file < 0 || chdir("/") != 0 || write(ready, "", 1) != 1) _exit(1);
    close(ready);
    while (flock(file, LOCK_EX) != 0 && errno == EINTR) continue;
    _exit(0);
}

// Starts one of the two programs; -1 where there is none.
static pid_t start(char *const *arguments, int message) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, message, 1);
    posix_spawn_file_actions_adddup2(&actions, message, 2);
    pid_t pid = -1;
    int error = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    errno = error;
    return error == 0 ? pid : -1;
}

// Whether both have written their map; what they say is in `message`.
static int map(char *const *users, char *const *groups, char *message, size_t size) {
    int output[2], statuses[2] = {-1, -1};
    if (pipe2(output, O_CLOEXEC) != 0) return -1;
    // At the same time: each takes as long as the rest of all this.
    pid_t pids[] = {start(users, output[1]), -1};
    if (pids[0] > 0) pids[1] = start(groups, output[1]);
    int error = errno;
    close(output[1]);
    size_t length = 0;
    ssize_t count;
    char rest[256];
    do {
        int is_full = length + 1 >= size;
        count = read(output[0], is_full ? rest : message + length, is_full ? sizeof rest : size - 1 - length);
        if (count > 0 && !is_full) length += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    message[length] = 0;
    close(output[0]);
    for (int index = 0; index < 2; index++) {
        while (pids[index] > 0 && waitpid(pids[index], &statuses[index], 0) < 0 && errno == EINTR) continue;
    }
    errno = pids[1] < 0 ? error : EPERM;
    return statuses[0] == 0 && statuses[1] == 0 ? 0 : -1;
}

pid_t sb_hold_users(const char *lock, char **users, char **groups, char *message, size_t size) {
    int mapped[2], ready[2];
    char byte;
    *message = 0;
    if (pipe2(mapped, O_CLOEXEC) != 0) return -1;
    if (pipe2(ready, O_CLOEXEC) != 0) {
        sb_close(mapped[0]);
        sb_close(mapped[1]);
        return -1;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // No signal when it ends: code that waits for any child does not mean this one.
    pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)CLONE_NEWUSER, NULL, NULL, NULL, 0ul);
    if (pid == 0) {
        close(mapped[1]);
        close(ready[0]);
        hold(lock, mapped[0], ready[1]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sb_close(mapped[0]);
    sb_close(ready[1]);
    int result = pid;
    if (pid > 0) {
        snprintf(users[1], SB_DIGITS, "%d", pid);
        snprintf(groups[1], SB_DIGITS, "%d", pid);
        if (map(users, groups, message, size) != 0) result = -1;
        else if (write(mapped[1], "", 1) != 1 || read(ready[0], &byte, 1) != 1) result = -1;
    }
    sb_close(mapped[1]);
    sb_close(ready[0]);
    int error = errno;
    if (pid > 0 && result < 0) waitpid(pid, NULL, __WALL);
    else holder = pid;
    errno = error;
    return result;
}

// Where this process is the last one, the other ends with it: the first process of a container may reap nothing, as a
// shell in a CI job, and one of them would stay behind from each build.
static void finish(void) {
    if (owner != getpid() || holder <= 0) return;
    if (flock(shared_lock, LOCK_EX | LOCK_NB) == 0) {
        kill(holder, SIGKILL);
        waitpid(holder, NULL, __WALL);
    } else if (flock(shared_lock, LOCK_SH | LOCK_NB) != 0) {
        // It has the lock, and ends.
        waitpid(holder, NULL, __WALL);
    }
}

int sb_share_users(const char *lock) {
    owner = getpid();
    shared_lock = open(lock, O_RDONLY | O_CLOEXEC);
    if (shared_lock < 0 || flock(shared_lock, LOCK_SH) != 0) return -1;
    return atexit(finish);
}

int sb_is_below_user_namespace(void) {
    char text[64];
    unsigned long inside, outside, count;
    int file = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    sb_close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    if (sscanf(text, "%lu %lu %lu", &inside, &outside, &count) != 3) return 0;
    return inside != 0 || outside != 0 || count < 0xffffffff;
}
