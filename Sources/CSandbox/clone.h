#ifndef SB_CLONE_H
#define SB_CLONE_H

#include "child.h"

// A child that is being made, from sb_clone_begin to sb_clone_end.
struct sb_clone {
    struct sb_child *child;
    pid_t pid;
    int pidfd;
    int error;
    int is_done;
    struct sb_clone *next;
};

// Makes the child, which continues in sb_child_main, and closes this process's end of its pipe: 0, or -1 with errno
// when nothing was begun. Read the pipe to its end before sb_clone_end: the child may wait for that.
int sb_clone_begin(struct sb_clone *clone);

// Waits until the child executes its program or has ended: its pid, or -1 with errno. `pidfd` is -1 where the kernel
// has none.
pid_t sb_clone_end(struct sb_clone *clone);

#endif
