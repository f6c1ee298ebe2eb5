// What a traced process names a file for is done by its supervisor, to which each path is one inside the root.

#include "perform.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static char first[PATH_MAX], second[PATH_MAX];

static struct sb_answer write_out(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address,
                                  const void *bytes, size_t size, int64_t result) {
    if (sb_write_memory(supervisor, call, address, bytes, size) != 0) return SB_FAIL(EFAULT);
    return SB_RETURN(result);
}

static int is_root(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    return sb_current_identity(supervisor, call).users[1] == 0;
}

// Opening a pipe waits for whoever has the other end; this process must not.
static struct sb_answer open_waiting(const struct sb_supervisor *supervisor, const struct sb_call *call, int file,
                                     uint64_t flags) {
    pid_t helper = (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, 0ul);
    if (helper != 0) {
        close(file);
        // No answer: the helper gives one.
        return helper < 0 ? SB_FAIL(EAGAIN) : (struct sb_answer){.is_continued = 1, .is_later = 1};
    }
    char name[SB_DIGITS + 8];
    sb_name_file(file, name);
    int opened = open(name, (int)flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW | O_TRUNC));
    struct sb_answer answer =
        opened < 0 ? SB_FAIL(errno) : sb_give_file(supervisor, call, opened, (flags & O_CLOEXEC) != 0);
    sb_send_answer(supervisor, call, &answer);
    _exit(0);
}

static int open_new(struct sb_supervisor *supervisor, struct sb_call *call, int directory, char *path, uint64_t flags,
                    unsigned mode) {
    const char *name;
    const mode_t mask = sb_mask_of(supervisor, call);
    umask(mask);
    int file = sb_open_guest(supervisor, call, directory, path, flags, mode, NULL);
    const int error = errno;
    if (file < 0 && error == EACCES && is_root(supervisor, call)) {
        struct sb_permission permission;
        strcpy(second, path);
        int parent = sb_open_parent(supervisor, call, directory, second, &name);
        errno = error;
        if (parent >= 0 && sb_allow(&permission, supervisor, call, parent)) {
            file = sb_open_guest(supervisor, call, directory, path, flags, mode, NULL);
            sb_restore(&permission);
        }
        sb_close(parent);
    }
    umask(0);
    return file;
}

// The terminal of the session, which is not this process's.
static int open_terminal(const struct sb_supervisor *supervisor, uint64_t flags) {
    const char *terminal = supervisor->configuration->terminal;
    errno = ENXIO;
    return terminal == NULL ? -1 : open(terminal, (int)flags | O_NOCTTY);
}

// A pipe that a path leads to, or -1: opening one end only to see what it is would wake up whoever waits at the other.
static int open_pipe(struct sb_supervisor *supervisor, struct sb_call *call, int directory, const char *path) {
    struct stat status;
    int file = sb_open_named(supervisor, call, directory, path, 1);
    if (file >= 0 && fstatat(file, "", &status, AT_EMPTY_PATH) == 0 && S_ISFIFO(status.st_mode)) return file;
    sb_close(file);
    return -1;
}

#define KNOWN_FLAGS                                                                                                    \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_ASYNC |          \
     O_DIRECT | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_TMPFILE)

static struct sb_answer open_file(struct sb_supervisor *supervisor, struct sb_call *call, int directory, char *path,
                                  uint64_t flags, unsigned mode) {
    static char outside[PATH_MAX];
    struct stat status;
    const int is_temporary = (flags & O_TMPFILE) == O_TMPFILE;
    const int is_exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    flags &= KNOWN_FLAGS;
    if (!(flags & O_CREAT) && !is_temporary) mode = 0;
    const uint64_t quick = flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    mode &= 07777;
    int file = -1;
    if (supervisor->has_pipes && !(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDWR) {
        file = open_pipe(supervisor, call, directory, path);
        if (file >= 0) return open_waiting(supervisor, call, file, flags);
    }
    errno = ENOENT;
    outside[0] = 0;
    if (!is_exclusive && !is_temporary) {
        file = sb_open_guest(supervisor, call, directory, path, quick & ~(uint64_t)O_CREAT, 0, outside);
    }
    if (strcmp(outside, "/dev/tty") == 0) {
        sb_close(file);
        file = open_terminal(supervisor, quick);
    } else if (file < 0 && errno == ENOENT && mode + (flags & O_CREAT) != 0) {
        file = open_new(supervisor, call, directory, path, quick, mode);
    } else if (file < 0 && errno == EACCES && is_root(supervisor, call)) {
        file = sb_open_anyway(sb_open_named(supervisor, call, directory, path, !(flags & O_NOFOLLOW)), quick);
    } else if (file < 0 && errno == ENXIO && !(flags & O_NONBLOCK)) {
        file = sb_open_named(supervisor, call, directory, path, 1);
        if (file >= 0 && fstat(file, &status) == 0 && S_ISFIFO(status.st_mode)) {
            return open_waiting(supervisor, call, file, flags);
        }
        sb_close(file);
        return SB_FAIL(ENXIO);
    }
    if (file < 0) return SB_FAIL(errno);
    if (!(flags & O_NONBLOCK)) {
        if (fstat(file, &status) == 0 && S_ISFIFO(status.st_mode) && (flags & O_ACCMODE) != O_RDWR) {
            supervisor->has_pipes = 1;
            int named = sb_open_named(supervisor, call, directory, path, 1);
            sb_close(file);
            return named < 0 ? SB_FAIL(errno) : open_waiting(supervisor, call, named, flags);
        }
        fcntl(file, F_SETFL, (int)flags & (O_APPEND | O_DIRECT | O_NOATIME | O_ASYNC));
    }
    return sb_give_file(supervisor, call, file, (flags & O_CLOEXEC) != 0);
}

static struct sb_answer open_extended(struct sb_supervisor *supervisor, struct sb_call *call) {
    const uint64_t *arguments = call->arguments;
    struct open_how how;
    if (arguments[3] < sizeof how) return SB_FAIL(EINVAL);
    if (sb_read_memory(supervisor, call, arguments[2], &how, sizeof how) != 0) return SB_FAIL(EFAULT);
    // Whoever limits where it may lead does without where that is not known.
    if (how.resolve & ~(uint64_t)(RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)) return SB_FAIL(ENOSYS);
    if (how.flags & O_PATH) how.flags &= ~(uint64_t)(O_PATH | O_ACCMODE);
    return open_file(supervisor, call, (int)arguments[0], first, how.flags, (unsigned)how.mode);
}

static struct sb_answer tell_status(struct sb_supervisor *supervisor, struct sb_call *call, int directory, int follow,
                                    uint64_t address) {
    struct stat status;
    int file = sb_open_named(supervisor, call, directory, first, follow);
    if (file < 0) return SB_FAIL(errno);
    int result = fstatat(file, "", &status, AT_EMPTY_PATH);
    sb_close(file);
    return result != 0 ? SB_FAIL(errno) : write_out(supervisor, call, address, &status, sizeof status, 0);
}

static struct sb_answer tell_more(struct sb_supervisor *supervisor, struct sb_call *call) {
    const uint64_t *arguments = call->arguments;
    struct statx status;
    int file = sb_open_named(supervisor, call, (int)arguments[0], first, !(arguments[2] & AT_SYMLINK_NOFOLLOW));
    if (file < 0) return SB_FAIL(errno);
    const int flags = ((int)arguments[2] & ~AT_SYMLINK_NOFOLLOW) | AT_EMPTY_PATH;
    int result = (int)syscall(SYS_statx, file, "", flags, (unsigned)arguments[3], &status);
    sb_close(file);
    return result != 0 ? SB_FAIL(errno) : write_out(supervisor, call, arguments[4], &status, sizeof status, 0);
}

static struct sb_answer may_access(struct sb_supervisor *supervisor, struct sb_call *call, int directory, uint64_t mode,
                                   int follow) {
    char name[SB_DIGITS + 8];
    struct stat status;
    int file = sb_open_named(supervisor, call, directory, first, follow);
    if (file < 0) return SB_FAIL(errno);
    sb_name_file(file, name);
    int result = mode > 7 ? -1 : access(name, (int)mode);
    if (mode > 7) errno = EINVAL;
    if (result != 0 && errno == EACCES && is_root(supervisor, call) && fstatat(file, "", &status, AT_EMPTY_PATH) == 0) {
        if (status.st_uid == geteuid() && (!(mode & X_OK) || S_ISDIR(status.st_mode) || status.st_mode & 0111)) {
            result = 0;
        }
    }
    sb_close(file);
    return sb_result_of(result);
}

static struct sb_answer tell_link(struct sb_supervisor *supervisor, struct sb_call *call, int directory,
                                  uint64_t address, uint64_t size) {
    static struct place place;
    static char outside[PATH_MAX];
    if ((int64_t)size <= 0) return SB_FAIL(EINVAL);
    int file = sb_open_guest(supervisor, call, directory, first, O_PATH | O_NOFOLLOW, 0, outside);
    if (first[0] == 0) file = sb_open_base(supervisor, call, directory, first);
    if (file < 0) return SB_FAIL(errno);
    ssize_t length = readlinkat(file, "", second, sizeof second - 1);
    if (length >= 0 && outside[0] != 0) {
        place.supervisor = supervisor;
        place.call = call;
        strcpy(place.path, outside);
        length = sb_read_link(&place, second);
    }
    if (length < 0 && errno == ENOENT && first[0] != 0) errno = EINVAL;
    sb_close(file);
    if (length < 0) return SB_FAIL(errno);
    if ((uint64_t)length > size) length = (ssize_t)size;
    return write_out(supervisor, call, address, second, (size_t)length, length);
}

static struct sb_answer tell_directory(struct sb_supervisor *supervisor, struct sb_call *call) {
    char name[SB_DIGITS + 8];
    snprintf(name, sizeof name, "%d/cwd", call->thread);
    ssize_t length = readlinkat(supervisor->proc, name, first, sizeof first - 1);
    if (length < 0) return SB_FAIL(errno);
    first[length] = 0;
    const char *inside = sb_inside(supervisor, first);
    struct stat status;
    if (fstatat(supervisor->proc, name, &status, 0) == 0 && status.st_nlink == 0) return SB_FAIL(ENOENT);
    if (inside == NULL) inside = first;
    const size_t size = strlen(inside) + 1;
    if (size > call->arguments[1]) return SB_FAIL(ERANGE);
    return write_out(supervisor, call, call->arguments[0], inside, size, (int64_t)size);
}

struct sb_answer sb_perform(struct sb_supervisor *supervisor, struct sb_call *call) {
    const uint64_t *arguments = call->arguments;
    const int directory = (int)arguments[0];
    int is_at = 1;
    switch (call->number) {
    case SYS_getcwd: return tell_directory(supervisor, call);
    case SYS_fstat:
    case SYS_fchown: return SB_CONTINUE;
    case SYS_getsockname:
    case SYS_getpeername: return sb_tell_address(supervisor, call);
#ifdef __x86_64__
    case SYS_open:
    case SYS_creat:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink: is_at = 0; break;
#endif
    case SYS_openat:
    case SYS_openat2:
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlinkat: break;
    default: return sb_change(supervisor, call);
    }
    const uint64_t address = arguments[is_at];
    if (address == 0) first[0] = 0;
    else if (sb_read_path(supervisor, call, address, first) != 0) return SB_FAIL(errno);
    const int is_status = call->number == SYS_newfstatat || call->number == SYS_statx;
    const uint64_t flags = call->number == SYS_statx ? arguments[2] : arguments[3];
    // A descriptor needs no path, and only the kernel says what is wrong with one that is not there.
    if (is_status && first[0] == 0 && (flags & AT_EMPTY_PATH)) return SB_CONTINUE;
    if (address == 0) return SB_FAIL(EFAULT);
    if (first[0] == 0 && call->number != SYS_readlinkat && call->number != SYS_faccessat2) return SB_FAIL(ENOENT);
    switch (call->number) {
#ifdef __x86_64__
    case SYS_open: return open_file(supervisor, call, AT_FDCWD, first, arguments[1], (unsigned)arguments[2]);
    case SYS_creat:
        return open_file(supervisor, call, AT_FDCWD, first, O_CREAT | O_WRONLY | O_TRUNC, (unsigned)arguments[1]);
    case SYS_stat: return tell_status(supervisor, call, AT_FDCWD, 1, arguments[1]);
    case SYS_lstat: return tell_status(supervisor, call, AT_FDCWD, 0, arguments[1]);
    case SYS_access: return may_access(supervisor, call, AT_FDCWD, arguments[1], 1);
    case SYS_readlink: return tell_link(supervisor, call, AT_FDCWD, arguments[1], arguments[2]);
#endif
    case SYS_openat: return open_file(supervisor, call, directory, first, arguments[2], (unsigned)arguments[3]);
    case SYS_openat2: return open_extended(supervisor, call);
    case SYS_newfstatat: return tell_status(supervisor, call, directory, !(flags & AT_SYMLINK_NOFOLLOW), arguments[2]);
    case SYS_statx: return tell_more(supervisor, call);
    case SYS_faccessat: return may_access(supervisor, call, directory, arguments[2], 1);
    case SYS_faccessat2: return may_access(supervisor, call, directory, arguments[2], !(flags & AT_SYMLINK_NOFOLLOW));
    }
    return tell_link(supervisor, call, directory, arguments[2], arguments[3]);
}
