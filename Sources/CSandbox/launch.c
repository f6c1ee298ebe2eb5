// The parent's side: prepares, clones, and reads what the child reports.

#include "clone.h"
#include "supervise.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

static int read_all(int descriptor, struct buffer *buffer) {
    for (;;) {
        if (buffer->capacity - buffer->length < 4096) {
            char *larger = realloc(buffer->bytes, buffer->capacity + 8192);
            if (larger == NULL) return -1;
            buffer->bytes = larger;
            buffer->capacity += 8192;
        }
        ssize_t count = read(descriptor, buffer->bytes + buffer->length, buffer->capacity - buffer->length);
        if (count == 0) return 0;
        if (count > 0) buffer->length += (size_t)count;
        else if (errno != EINTR) return -1;
    }
}

// What a child reports besides the mount points that it made.
struct report {
    int has_failed;
    pid_t brother; // the process that it has made in its place, or 0
    pid_t program; // the process that it is the supervisor of, or 0
};

// Takes what is not a mount point out of the buffer.
static struct report read_report(struct buffer *buffer, struct sb_failure *failure) {
    struct report report = {0};
    const size_t failure_size = sizeof *failure, pid_size = sizeof report.brother;
    for (size_t position = 0; position < buffer->length;) {
        char *message = buffer->bytes + position;
        size_t rest = buffer->length - position - 1;
        if (*message == 'F' && rest >= failure_size) {
            memcpy(failure, message + 1, failure_size);
            report.has_failed = 1;
            position += 1 + failure_size;
        } else if ((*message == 'P' || *message == 'C') && rest >= pid_size) {
            memcpy(*message == 'P' ? &report.brother : &report.program, message + 1, pid_size);
            memmove(message, message + 1 + pid_size, rest - pid_size);
            buffer->length -= 1 + pid_size;
        } else position += strnlen(message, rest + 1) + 1;
    }
    return report;
}

static void prepare(struct sb_child *child, const struct sb_configuration *configuration) {
    child->configuration = configuration;
    child->root = child->nodes = child->null = child->empty = child->shared_memory = child->known = -1;
    const int emulates = sb_emulates_users(configuration);
    unsigned user = emulates ? 0 : configuration->user, group = emulates ? 0 : configuration->group;
    snprintf(child->user_map, sizeof child->user_map, "%u %u 1", user, geteuid());
    snprintf(child->group_map, sizeof child->group_map, "%u %u 1", group, getegid());
    struct stat program;
    if (stat("/proc/self/exe", &program) == 0) {
        child->program_device = program.st_dev;
        child->program_inode = program.st_ino;
    }
}

static int fail(struct sb_failure *failure, enum sb_step step) {
    *failure = (struct sb_failure){.step = step, .index = 0, .error = errno};
    return -1;
}

// The supervisor collects the program as soon as this process has it, and not before: the number of one that is quick
// would be nobody's, or another's.
static int open_program(pid_t program, int known[2]) {
    int pidfd = program > 0 ? (int)syscall(SYS_pidfd_open, program, 0) : -1;
    for (int end = 0; end < 2; end++) {
        if (known[end] >= 0) close(known[end]);
    }
    return pidfd;
}

static void collect(pid_t pid, int pidfd) {
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (pidfd >= 0) close(pidfd);
}

static int launch(const struct sb_configuration *configuration, int watcher, struct sb_process *process,
                  struct sb_failure *failure) {
    struct sb_child child = {0};
    struct sb_clone clone = {.child = &child};
    struct buffer buffer = {0};
    int report[2], known[2] = {-1, -1};
    if (pipe2(report, O_CLOEXEC) != 0) return fail(failure, SB_STEP_PREPARE);
    prepare(&child, configuration);
    if (sb_is_supervised(configuration) && pipe2(known, O_CLOEXEC) != 0) {
        fail(failure, SB_STEP_PREPARE);
        close(report[0]);
        close(report[1]);
        return -1;
    }
    child.known = known[0];
    child.report = report[1];
    child.watcher = watcher;
    if (sb_clone_begin(&clone) != 0) {
        fail(failure, SB_STEP_CLONE);
        open_program(0, known);
        close(report[0]);
        close(report[1]);
        return -1;
    }
    int has_failed = read_all(report[0], &buffer) != 0;
    if (has_failed) fail(failure, SB_STEP_PREPARE);
    // Before it is known whether the clone worked: a child that writes on must fail and not wait.
    close(report[0]);
    if (sb_clone_end(&clone) < 0) {
        fail(failure, SB_STEP_CLONE);
        open_program(0, known);
        free(buffer.bytes);
        return -1;
    }
    struct report result = {has_failed, 0, 0};
    if (has_failed) kill(clone.pid, SIGKILL);
    else result = read_report(&buffer, failure);
    int program_pidfd = open_program(result.program, known);
    if (result.brother != 0) {
        collect(clone.pid, clone.pidfd);
        clone.pid = result.brother;
        clone.pidfd = (int)syscall(SYS_pidfd_open, result.brother, 0);
    }
    if (result.has_failed) {
        collect(clone.pid, clone.pidfd);
        sb_close(program_pidfd);
        free(buffer.bytes);
        return -1;
    }
    *process = (struct sb_process){.pid = clone.pid,
                                   .pidfd = clone.pidfd,
                                   .program = result.program,
                                   .program_pidfd = program_pidfd,
                                   .created = buffer.bytes,
                                   .created_length = buffer.length};
    return 0;
}

int sb_launch(const struct sb_configuration *configuration, struct sb_process *process, struct sb_failure *failure) {
    for (int attempt = 0;; attempt++) {
        // First the group, which the watcher is to remove.
        if (configuration->control_group < 0) sb_device_group();
        int watcher = sb_watcher();
        if (watcher < 0) return fail(failure, SB_STEP_WATCHER);
        if (launch(configuration, watcher, process, failure) == 0) return 0;
        // Somebody has killed it: another one does as well.
        int is_gone = failure->step == SB_STEP_WATCHER && (failure->error == EPIPE || failure->error == ECONNRESET);
        if (!is_gone || attempt > 0) return -1;
        sb_watcher_is_gone(watcher);
    }
}
