// /proc and /sys, and the name of the machine, for programs in a root directory where nothing can be mounted: what the
// caller has is opened in the place of what is not there.

#include "supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

// A path of the program that is being resolved.
struct place {
    struct sb_supervisor *supervisor;
    struct sb_call *call;
    char done[PATH_MAX]; // inside the root, without links
    char rest[2 * PATH_MAX];
    char path[PATH_MAX]; // what to open outside
    int links;
};

static int prepend(struct place *place, const char *text) {
    size_t length = strlen(text), rest = strlen(place->rest);
    if (length + 1 + rest >= sizeof place->rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    size_t slash = rest > 0;
    memmove(place->rest + length + slash, place->rest, rest + 1);
    memcpy(place->rest, text, length);
    if (slash) place->rest[length] = '/';
    return 0;
}

// The part of a path of the caller's that is inside the root, or NULL.
static const char *inside(const struct sb_supervisor *supervisor, const char *path) {
    if (strncmp(path, supervisor->root_path, supervisor->root_length) != 0) return NULL;
    path += supervisor->root_length;
    return *path == 0 ? "/" : *path == '/' ? path : NULL;
}

static int is_system(const char *path) {
    return strncmp(path, "/proc", 5) == 0 ? path[5] == 0 || path[5] == '/'
                                          : strncmp(path, "/sys", 4) == 0 && (path[4] == 0 || path[4] == '/');
}

// Whether a process is one of the program's.
static int is_own(const struct place *place, const char *number) {
    char name[NAME_MAX];
    struct stat status;
    snprintf(name, sizeof name, "%.20s/root", number);
    return fstatat(place->supervisor->proc, name, &status, 0) == 0 && status.st_dev == place->supervisor->root_device &&
           status.st_ino == place->supervisor->root_inode;
}

// How many bytes of a path below /proc/N are a link that the kernel follows without looking at names.
static size_t magic_length(const char *path) {
    size_t first = strcspn(path, "/");
    if (first == 4 && (strncmp(path, "root", 4) == 0)) return first;
    if (first == 3 && (strncmp(path, "cwd", 3) == 0 || strncmp(path, "exe", 3) == 0)) return first;
    if (first == 4 && strncmp(path, "task", 4) == 0 && path[4] == '/') {
        size_t thread = strcspn(path + 5, "/");
        if (path[5 + thread] != '/') return 0;
        size_t more = magic_length(path + 6 + thread);
        return more > 0 ? 6 + thread + more : 0;
    }
    if (first == 2 && strncmp(path, "fd", 2) == 0 && path[2] == '/' && path[3] != 0) return 3 + strcspn(path + 3, "/");
    return 0;
}

// Whether a path below /proc/N, of a process outside of the root, is more than something to read about it.
static int leads_out(const char *path) {
    static const char *const names[] = {"root", "cwd", "exe", "fd", "map_files", "mem", "task"};
    size_t length = strcspn(path, "/");
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        if (strlen(names[index]) == length && strncmp(names[index], path, length) == 0) return 1;
    }
    return 0;
}

static int walk(struct place *place, int follow);

// `rest` is below /proc: 1 with the path outside, -1 when it is not to be had.
static int enter_proc(struct place *place, int follow) {
    char process[3 * SB_DIGITS];
    char *rest = place->rest;
    while (*rest == '/') rest++;
    size_t first = strcspn(rest, "/");
    pid_t own = sb_process_of(place->supervisor, place->call);
    if (first == 4 && strncmp(rest, "self", 4) == 0) snprintf(process, sizeof process, "%d", own);
    else if (first == 11 && strncmp(rest, "thread-self", 11) == 0) {
        snprintf(process, sizeof process, "%d/task/%d", own, place->call->thread);
    } else if (*rest >= '0' && *rest <= '9' && first < SB_DIGITS) {
        snprintf(process, sizeof process, "%.*s", (int)first, rest);
        if (leads_out(rest + first + strspn(rest + first, "/")) && !is_own(place, process)) {
            errno = EACCES;
            return -1;
        }
    } else {
        int length = snprintf(place->path, sizeof place->path, "/proc/%s", rest);
        return length < (int)sizeof place->path ? 1 : -1;
    }
    // The link itself.
    int is_link = rest[first] == 0 && !follow && (*rest == 's' || *rest == 't');
    if (is_link) return snprintf(place->path, sizeof place->path, "/proc/%.*s", (int)first, rest) > 0 ? 1 : -1;
    rest += first;
    while (*rest == '/') rest++;
    size_t magic = magic_length(rest);
    if (magic > 0 && (rest[magic + strspn(rest + magic, "/")] != 0 || (follow && rest[0] == 'r'))) {
        // It is the name that counts from here on, so that nothing leads out.
        char link[PATH_MAX];
        snprintf(place->path, sizeof place->path, "/proc/%s/%.*s", process, (int)magic, rest);
        ssize_t length = readlink(place->path, link, sizeof link - 1);
        link[length < 0 ? 0 : length] = 0;
        const char *name = inside(place->supervisor, link);
        if (name == NULL && is_system(link)) name = link;
        if (length < 0 || name == NULL || place->links++ > 40) {
            errno = length < 0 ? errno : EACCES;
            return -1;
        }
        memmove(place->rest, rest + magic, strlen(rest + magic) + 1);
        place->done[0] = 0;
        if (prepend(place, name) != 0 || walk(place, follow) < 0) return -1;
        errno = ENAMETOOLONG;
        return place->path[0] != 0 ? 1 : -1;
    }
    int length = snprintf(place->path, sizeof place->path, "/proc/%s%s%s", process, *rest == 0 ? "" : "/", rest);
    return length < (int)sizeof place->path ? 1 : -1;
}

// Resolves `rest` from `done` on, link by link: 1 where it is not in the root, 0 where it is; `path` is what to open.
static int walk(struct place *place, int follow) {
    for (;;) {
        char name[NAME_MAX + 1], link[PATH_MAX];
        size_t skipped = strspn(place->rest, "/"), length = strcspn(place->rest + skipped, "/");
        if (length == 0) break;
        if (length > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, place->rest + skipped, length);
        name[length] = 0;
        memmove(place->rest, place->rest + skipped + length, strlen(place->rest + skipped + length) + 1);
        size_t done = strlen(place->done);
        if (strcmp(name, ".") == 0) continue;
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(place->done, '/');
            if (slash != NULL) *slash = 0;
            continue;
        }
        if (done + length + 2 > sizeof place->done) {
            errno = ENAMETOOLONG;
            return -1;
        }
        place->done[done] = '/';
        memcpy(place->done + done + 1, name, length + 1);
        if (strcmp(place->done, "/proc") == 0) {
            return enter_proc(place, follow);
        }
        if (strcmp(place->done, "/sys") == 0) {
            length = (size_t)snprintf(place->path, sizeof place->path, "/sys%s", place->rest);
            return length < sizeof place->path ? 1 : -1;
        }
        int is_last = place->rest[strspn(place->rest, "/")] == 0;
        if (is_last && !follow) continue;
        ssize_t size = readlinkat(place->supervisor->root, place->done + 1, link, sizeof link - 1);
        if (size < 0) continue;
        link[size] = 0;
        if (place->links++ > 40) {
            errno = ELOOP;
            return -1;
        }
        if (link[0] == '/') place->done[0] = 0;
        else place->done[done] = 0;
        if (prepend(place, link) != 0) return -1;
    }
    // The kernel finds also what has too long a name outside.
    int length = snprintf(place->path, sizeof place->path, "%s%s", place->supervisor->root_path, place->done);
    if (length >= (int)sizeof place->path) place->path[0] = 0;
    return 0;
}

// Where a path of the call leads: 1 to what is not in the root, 0 to what the kernel finds itself, -1 to nothing.
static int find(struct place *place, int directory, const char *path, int follow) {
    struct sb_supervisor *supervisor = place->supervisor;
    place->done[0] = place->links = 0;
    if (strlen(path) >= PATH_MAX) return 0;
    strcpy(place->rest, path);
    if (*path == 0) return 0;
    if (*path != '/') {
        char name[3 * SB_DIGITS], base[PATH_MAX];
        sb_act_for(supervisor, place->call);
        if (directory == AT_FDCWD) snprintf(name, sizeof name, "%d/cwd", place->call->thread);
        else snprintf(name, sizeof name, "%d/fd/%d", place->call->thread, directory);
        ssize_t length = readlinkat(supervisor->proc, name, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
        const char *start = inside(supervisor, base);
        if (start == NULL) {
            if (!is_system(base)) return 0;
            start = base;
        }
        if (prepend(place, start) != 0) return -1;
    }
    const char *whole = place->rest + strspn(place->rest, "/") - 1;
    if (*place->rest == '/' && !is_system(whole)) {
        // Nearly always it is there.
        uint64_t flags = O_PATH | (follow ? 0 : O_NOFOLLOW);
        int file = sb_openat2(supervisor->root, place->rest, flags, RESOLVE_IN_ROOT);
        if (file >= 0) {
            close(file);
            return 0;
        }
    }
    sb_act_for(supervisor, place->call);
    return walk(place, follow);
}

static struct sb_answer open_place(struct place *place, int directory, const char *path, uint64_t flags) {
    int found = find(place, directory, path, !(flags & O_NOFOLLOW));
    if (found == 0) return SB_CONTINUE;
    if (found < 0) return SB_FAIL(errno);
    // The kernel gives nobody a descriptor that is only a place (fget); one to read from does the same.
    if (flags & O_PATH) flags &= ~(uint64_t)(O_PATH | O_ACCMODE);
    // This process must not wait for anything.
    int file = open(place->path, (int)(flags & ~(uint64_t)(O_CREAT | O_EXCL)) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return SB_FAIL(errno);
    if (!(flags & (O_NONBLOCK | O_PATH))) fcntl(file, F_SETFL, (int)flags & ~(O_CREAT | O_EXCL | O_NONBLOCK));
    return sb_give_file(place->supervisor, place->call, file, (flags & O_CLOEXEC) != 0);
}

static struct sb_answer write_back(struct place *place, uint64_t address, const void *bytes, size_t size) {
    return sb_write_memory(place->supervisor, place->call, address, bytes, size) == 0 ? SB_RETURN(0) : SB_FAIL(EFAULT);
}

static struct sb_answer status_of(struct place *place, int directory, const char *path, int follow, uint64_t address) {
    int found = find(place, directory, path, follow);
    if (found == 0) return SB_CONTINUE;
    struct stat status;
    if (found < 0 || fstatat(AT_FDCWD, place->path, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return SB_FAIL(errno);
    }
    return write_back(place, address, &status, sizeof status);
}

static struct sb_answer extended_status_of(struct place *place, int directory, const char *path, uint64_t flags,
                                           uint64_t mask, uint64_t address) {
    int found = find(place, directory, path, !(flags & AT_SYMLINK_NOFOLLOW));
    if (found == 0) return SB_CONTINUE;
    struct statx status;
    if (found < 0 || syscall(SYS_statx, AT_FDCWD, place->path, (int)flags, (unsigned)mask, &status) != 0) {
        return SB_FAIL(errno);
    }
    return write_back(place, address, &status, sizeof status);
}

static struct sb_answer may_access(struct place *place, int directory, const char *path, uint64_t mode) {
    int found = find(place, directory, path, 1);
    if (found == 0) return SB_CONTINUE;
    return found > 0 && faccessat(AT_FDCWD, place->path, (int)mode, 0) == 0 ? SB_RETURN(0) : SB_FAIL(errno);
}

// What a link says, as the program may know it.
static ssize_t read_link(struct place *place, char *link) {
    ssize_t length = readlink(place->path, link, PATH_MAX - 1);
    if (length < 0) return -1;
    link[length] = 0;
    if (strcmp(place->path, "/proc/self") == 0) {
        return snprintf(link, PATH_MAX, "%d", sb_process_of(place->supervisor, place->call));
    }
    if (strcmp(place->path, "/proc/thread-self") == 0) {
        pid_t process = sb_process_of(place->supervisor, place->call);
        return snprintf(link, PATH_MAX, "%d/task/%d", process, place->call->thread);
    }
    const char *name = inside(place->supervisor, link);
    if (name == NULL) return length;
    memmove(link, name, strlen(name) + 1);
    return (ssize_t)strlen(link);
}

static struct sb_answer link_of(struct place *place, int directory, const char *path, uint64_t address, uint64_t size) {
    int found = find(place, directory, path, 0);
    if (found == 0) return SB_CONTINUE;
    char link[PATH_MAX];
    ssize_t length = found < 0 ? -1 : read_link(place, link);
    if (length < 0) return SB_FAIL(errno);
    size_t count = (uint64_t)length < size ? (size_t)length : (size_t)size;
    struct sb_answer answer = write_back(place, address, link, count);
    return answer.error != 0 ? answer : SB_RETURN((int64_t)count);
}

#define LARGEST_LINK_COUNT 1000

// A directory with the link, so that the program is called as it would be.
static char *name_directory(unsigned number, char *name) { return sb_append_number(stpcpy(name, "dev/."), number); }

void sb_remove_links(const struct sb_supervisor *supervisor) {
    char name[SB_DIGITS + 16];
    for (unsigned number = 0; number < supervisor->link_count && number < LARGEST_LINK_COUNT; number++) {
        char *end = name_directory(number, name);
        strcpy(end, "/exe");
        unlinkat(supervisor->root, name, 0);
        *end = 0;
        unlinkat(supervisor->root, name, AT_REMOVEDIR);
    }
}

// The kernel would look for the path in the root: it gets another one, in the program's memory, which execve replaces.
static struct sb_answer execute(struct place *place, const char *path) {
    struct sb_supervisor *supervisor = place->supervisor;
    int found = find(place, AT_FDCWD, path, 0);
    if (found == 0) return SB_CONTINUE;
    char program[PATH_MAX], link[SB_DIGITS + 16] = "/";
    if (found < 0 || read_link(place, program) < 0) return SB_FAIL(errno);
    sb_act_as(0, 0);
    char *end = name_directory(supervisor->link_count++ % LARGEST_LINK_COUNT, link + 1);
    mkdirat(supervisor->root, link + 1, 0755);
    strcpy(end, "/exe");
    if (strlen(link) > strlen(path)) return SB_FAIL(EACCES);
    unlinkat(supervisor->root, link + 1, 0);
    if (symlinkat(program, supervisor->root, link + 1) != 0) return SB_FAIL(errno);
    struct sb_answer answer = write_back(place, place->call->arguments[0], link, strlen(link) + 1);
    return answer.error != 0 ? answer : SB_CONTINUE;
}

// A directory outside of the root would be a way out.
static struct sb_answer enter_directory(struct place *place, const char *path) {
    int found = find(place, AT_FDCWD, path, 1);
    return found == 0 ? SB_CONTINUE : SB_FAIL(found < 0 ? errno : EACCES);
}

static struct sb_answer enter_descriptor(struct place *place, int directory) {
    char name[3 * SB_DIGITS], path[PATH_MAX];
    sb_act_for(place->supervisor, place->call);
    snprintf(name, sizeof name, "%d/fd/%d", place->call->thread, directory);
    ssize_t length = readlinkat(place->supervisor->proc, name, path, sizeof path - 1);
    if (length < 0) return SB_CONTINUE;
    path[length] = 0;
    return inside(place->supervisor, path) != NULL ? SB_CONTINUE : SB_FAIL(EACCES);
}

struct sb_answer sb_tell_names(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    struct utsname names;
    if (sb_has_namespaces(supervisor->configuration) || uname(&names) != 0) return SB_CONTINUE;
    snprintf(names.nodename, sizeof names.nodename, "%s", supervisor->configuration->hostname);
    int result = sb_write_memory(supervisor, call, call->arguments[0], &names, sizeof names);
    return result == 0 ? SB_RETURN(0) : SB_FAIL(EFAULT);
}

static struct sb_answer open_extended(struct place *place, const char *path) {
    const uint64_t *arguments = place->call->arguments;
    struct open_how how;
    if (arguments[3] < sizeof how) return SB_CONTINUE;
    if (sb_read_memory(place->supervisor, place->call, arguments[2], &how, sizeof how) != 0) return SB_FAIL(EFAULT);
    // Whoever says where it may lead is told by the kernel.
    return how.resolve != 0 ? SB_CONTINUE : open_place(place, (int)arguments[0], path, how.flags);
}

struct sb_answer sb_answer_for_places(struct sb_supervisor *supervisor, struct sb_call *call) {
    static struct place place;
    static char path[PATH_MAX];
    const uint64_t *arguments = call->arguments;
    const int directory = (int)arguments[0];
    place.supervisor = supervisor;
    place.call = call;
    if (call->number == SYS_fchdir) return enter_descriptor(&place, directory);
    if (call->number == SYS_uname) {
        sb_act_for(supervisor, call);
        return sb_tell_names(supervisor, call);
    }
    int is_first = call->number == SYS_chdir || call->number == SYS_execve;
#ifdef __x86_64__
    is_first = is_first || call->number == SYS_open || call->number == SYS_stat || call->number == SYS_lstat ||
               call->number == SYS_access || call->number == SYS_readlink;
#endif
    // What cannot be read the kernel cannot read either.
    const uint64_t address = arguments[is_first ? 0 : 1];
    if (sb_read_path(supervisor, call, address, path) != 0) {
        sb_act_for(supervisor, call);
        if (!call->acts || sb_read_path(supervisor, call, address, path) != 0) return SB_CONTINUE;
    }
    switch (call->number) {
#ifdef __x86_64__
    case SYS_open: return open_place(&place, AT_FDCWD, path, arguments[1]);
    case SYS_stat: return status_of(&place, AT_FDCWD, path, 1, arguments[1]);
    case SYS_lstat: return status_of(&place, AT_FDCWD, path, 0, arguments[1]);
    case SYS_access: return may_access(&place, AT_FDCWD, path, arguments[1]);
    case SYS_readlink: return link_of(&place, AT_FDCWD, path, arguments[1], arguments[2]);
#endif
    case SYS_openat: return open_place(&place, directory, path, arguments[2]);
    case SYS_openat2: return open_extended(&place, path);
    case SYS_newfstatat: return status_of(&place, directory, path, !(arguments[3] & AT_SYMLINK_NOFOLLOW), arguments[2]);
    case SYS_statx: return extended_status_of(&place, directory, path, arguments[2], arguments[3], arguments[4]);
    case SYS_faccessat:
    case SYS_faccessat2: return may_access(&place, directory, path, arguments[2]);
    case SYS_readlinkat: return link_of(&place, directory, path, arguments[2], arguments[3]);
    case SYS_chdir: return enter_directory(&place, path);
    case SYS_execve: return execute(&place, path);
    }
    return SB_CONTINUE;
}
