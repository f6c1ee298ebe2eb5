// Memory that a program has in common with another one.

#include "child.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

// Copies the mount of another program's /dev/shm. Only a process in its mount namespace can, and none comes back from
// there without rights over this one: so a helper goes, which has its files in common with this process.
int sb_copy_shared_memory(struct sb_child *child) {
    child->shared_memory = open("/", O_PATH | O_CLOEXEC);
    if (child->shared_memory < 0) return -1;
    pid_t helper = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), NULL, NULL, NULL, 0ul);
    if (helper == 0) {
        if (setns(child->configuration->joined_ipc, CLONE_NEWNS) != 0) _exit(errno);
        int tree = sb_open_tree(AT_FDCWD, "/dev/shm", OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW);
        _exit(tree < 0 || dup3(tree, child->shared_memory, O_CLOEXEC) < 0 || close(tree) != 0 ? errno : 0);
    }
    int status = 0;
    if (helper < 0 || waitpid(helper, &status, 0) != helper) return -1;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    return errno == 0 ? 0 : -1;
}
