#ifndef SB_CLONE_H
#define SB_CLONE_H

#include "child.h"

// Makes the child, which goes on in sb_child_main: its pid, or -1 with errno. `pidfd` is -1 where the kernel has none.
pid_t sb_clone(struct sb_child *child, int *pidfd);

#endif
