// What Swift cannot call, because the C library's headers show it only to programs that ask for everything.

#include "child.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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

int sb_open_terminal_peer(int controller) {
    int unlocked = 0;
    struct stat status;
    // The device of the kernel's that makes terminals, whatever a container has put in its place.
    if (fstat(controller, &status) != 0 || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2)) return -1;
    if (fcntl(controller, F_SETFL, O_RDWR) != 0 || ioctl(controller, TIOCSPTLCK, &unlocked) != 0) return -1;
    return ioctl(controller, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
