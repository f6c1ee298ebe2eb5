// Programs of the system for a process that is root in a user namespace of its user: they are to be that user, who has
// keys and settings, and no rights over the other users there.

#include "child.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static int has_caller;
static unsigned caller_user, caller_group;

void sb_remember_caller(uid_t user, gid_t group) {
    caller_user = user;
    caller_group = group;
    has_caller = 1;
}

int sb_has_caller(void) { return has_caller; }

static _Noreturn void become(char *const *arguments, char *const *environment, const int *streams, int report) {
    struct sb_child maps = {0};
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    snprintf(maps.user_map, sizeof maps.user_map, "%u 0 1", caller_user);
    snprintf(maps.group_map, sizeof maps.group_map, "%u 0 1", caller_group);
    int is_ready = sb_map_identity(&maps) == 0 && setpgid(0, 0) == 0;
    for (int index = 0; is_ready && index < 3; index++) is_ready = dup2(streams[index], index) >= 0;
    if (is_ready) {
        sigaction(SIGPIPE, &standard, NULL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvpe(arguments[0], arguments, environment);
    }
    int error = errno;
    ssize_t ignored = write(report, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

int sb_spawn_as_caller(char *const *arguments, char *const *environment, const int *streams, pid_t *pid) {
    int report[2], error = 0;
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    *pid = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | SIGCHLD), NULL, NULL, NULL, 0ul);
    if (*pid == 0) become(arguments, environment, streams, report[1]);
    if (*pid < 0) error = errno;
    close(report[1]);
    if (*pid > 0 && read(report[0], &error, sizeof error) == sizeof error) waitpid(*pid, NULL, 0);
    close(report[0]);
    return error;
}
