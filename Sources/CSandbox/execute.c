// Finding and executing the program.

#include "child.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ptrace.h>

// This program's own file stays reachable as /proc/self/exe until the program is replaced. A program or interpreter of
// an image that is a link to it would run it inside, where it could be overwritten (CVE-2019-5736).
static int is_own_program(const struct sb_child *child, const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && status.st_dev == child->program_device && status.st_ino == child->program_inode;
}

// Reads the interpreter of a script into `interpreter`: 1 if there is one.
static int read_interpreter(const char *path, char interpreter[256]) {
    char line[256];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return 0;
    ssize_t length = read(file, line, sizeof line - 1);
    close(file);
    if (length < 3 || line[0] != '#' || line[1] != '!') return 0;
    line[length] = 0;
    const char *start = line + 2 + strspn(line + 2, " \t");
    size_t size = strcspn(start, " \t\n");
    memcpy(interpreter, start, size);
    interpreter[size] = 0;
    return size > 0;
}

int sb_try_tracing(const struct sb_child *child) {
    if (sb_emulates_users(child->configuration)) return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    errno = ENOSYS;
    return -1;
}

static int execute_path(const struct sb_child *child, const char *path) {
    char names[2][256];
    const char *current = path;
    for (int depth = 0; depth < 6; depth++) { // the kernel follows five interpreters
        if (is_own_program(child, current)) {
            errno = EACCES;
            return -1;
        }
        if (!read_interpreter(current, names[depth % 2])) break;
        current = names[depth % 2];
    }
    const struct sb_configuration *configuration = child->configuration;
    // A program that this one has just written is busy until children of other threads have closed what they inherited.
    for (int attempt = 0; attempt < 100; attempt++) {
        execve(path, (char *const *)configuration->arguments, (char *const *)configuration->environment);
        if (errno != ETXTBSY) break;
        poll(NULL, 0, 1);
    }
    return -1;
}

// As execvp does it, but without running a shell for a file of unknown format: Docker does not either. A program that
// is there but may not be executed is reported as EACCES even if later directories do not have it.
int sb_execute(const struct sb_child *child) {
    const char *name = child->configuration->arguments[0];
    if (*name == 0) {
        errno = ENOENT;
        return -1;
    }
    if (strchr(name, '/') != NULL) return execute_path(child, name);
    size_t name_length = strlen(name);
    int was_denied = 0;
    for (const char *entry = child->configuration->search_path; entry != NULL;) {
        size_t length = strcspn(entry, ":");
        char path[PATH_MAX];
        if (length + name_length + 2 <= sizeof path) {
            memcpy(path, entry, length);
            path[length] = '/';
            memcpy(path + length + (length > 0), name, name_length + 1);
            execute_path(child, path);
            if (errno == EACCES) was_denied = 1;
            else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG) return -1;
        }
        entry = entry[length] == ':' ? entry + length + 1 : NULL;
    }
    errno = was_denied ? EACCES : ENOENT;
    return -1;
}
