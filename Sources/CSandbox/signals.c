// What the parent does with a running process, and signals it wants to see as bytes.

#include "child.h"

#include <signal.h>

int sb_signal(pid_t pid, int pidfd, int signal) {
    if (pidfd < 0) return kill(pid, signal);
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static int window_pipe[2] = {-1, -1};

static void note_window_change(int signal) {
    (void)signal;
    int error = errno;
    // A full pipe has enough in it to wake the reader.
    ssize_t ignored = write(window_pipe[1], "", 1);
    (void)ignored;
    errno = error;
}

int sb_window_changes(void) {
    if (window_pipe[0] >= 0) return window_pipe[0];
    if (pipe2(window_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    struct sigaction action = {.sa_flags = SA_RESTART};
    action.sa_handler = note_window_change;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGWINCH, &action, NULL) == 0 ? window_pipe[0] : -1;
}
