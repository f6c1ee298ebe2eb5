// What Swift cannot call, because the C library's headers show it only to programs that ask for everything.

#include "child.h"

#include <stdlib.h>

int sb_open_terminal(int *controller, int *process_end) {
    char name[64];
    *controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*controller < 0) return -1;
    if (grantpt(*controller) == 0 && unlockpt(*controller) == 0 && ptsname_r(*controller, name, sizeof name) == 0) {
        *process_end = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*process_end >= 0) return 0;
    }
    sb_close(*controller);
    return -1;
}
