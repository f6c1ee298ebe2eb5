// Where paths lead for programs in a root directory where nothing can be mounted: what the caller has is in the place
// of what is not there.

#include "places.h"
#include "tracer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
const char *sb_inside(const struct sb_supervisor *supervisor, const char *path) {
    if (strncmp(path, supervisor->root_path, supervisor->root_length) != 0) return NULL;
    path += supervisor->root_length;
    return *path == 0 ? "/" : *path == '/' ? path : NULL;
}

static int is_system(const char *path) {
    return strncmp(path, "/proc", 5) == 0 ? path[5] == 0 || path[5] == '/'
                                          : strncmp(path, "/sys", 4) == 0 && (path[4] == 0 || path[4] == '/');
}

// The devices that no program can do without, which are the machine's where a tracer shows the root.
static int is_device(const struct sb_supervisor *supervisor, const char *path) {
    if (!supervisor->is_traced || strncmp(path, "/dev/", 5) != 0) return 0;
    for (int index = 0; sb_device_path(index) != NULL; index++) {
        if (strcmp(sb_device_path(index), path) == 0) return faccessat(AT_FDCWD, path, F_OK, 0) == 0;
    }
    return 0;
}

// What a link of /proc says; of a traced process, the program is not the one that the kernel knows.
static ssize_t read_process_link(const struct place *place, const char *path, char *link) {
    ssize_t length = readlink(path, link, PATH_MAX - 1);
    if (length < 0) return -1;
    link[length] = 0;
    if (!place->supervisor->is_traced || strncmp(link, SB_LOADER_LINK, strlen(SB_LOADER_LINK)) != 0) return length;
    char own[PATH_MAX];
    if (sb_read_program_path((pid_t)strtol(path + strlen("/proc/"), NULL, 10), own) < 0) return length;
    length = snprintf(link, PATH_MAX, "%s%s", place->supervisor->root_path, own);
    return length < PATH_MAX ? length : PATH_MAX - 1;
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
        if (!place->supervisor->is_traced && leads_out(rest + first + strspn(rest + first, "/")) &&
            !is_own(place, process)) {
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
    if (magic > 0 && (rest[magic + strspn(rest + magic, "/")] != 0 ||
                      (follow && (rest[0] == 'r' || (rest[0] == 'e' && place->supervisor->is_traced))))) {
        // It is the name that counts from here on, so that nothing leads out.
        char link[PATH_MAX];
        snprintf(place->path, sizeof place->path, "/proc/%s/%.*s", process, (int)magic, rest);
        ssize_t length = read_process_link(place, place->path, link);
        if (length < 0) link[0] = 0;
        if (place->supervisor->is_traced && rest[magic - 1] == 't') strcpy(link, place->supervisor->root_path);
        const char *name = sb_inside(place->supervisor, link);
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
        if (is_device(place->supervisor, place->done)) {
            length = (size_t)snprintf(place->path, sizeof place->path, "%s%s", place->done, place->rest);
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
int sb_find_place(struct place *place, int directory, const char *path, int follow) {
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
        const char *start = sb_inside(supervisor, base);
        if (start == NULL) {
            if (!is_system(base)) return 0;
            start = base;
        }
        if (prepend(place, start) != 0) return -1;
    }
    const char *whole = place->rest + strspn(place->rest, "/") - 1;
    if (*place->rest == '/' && !supervisor->is_traced && !is_system(whole)) {
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

// What a link says, as the program may know it.
ssize_t sb_read_link(struct place *place, char *link) {
    ssize_t length = read_process_link(place, place->path, link);
    if (length < 0) return -1;
    if (strcmp(place->path, "/proc/self") == 0) {
        return snprintf(link, PATH_MAX, "%d", sb_process_of(place->supervisor, place->call));
    }
    if (strcmp(place->path, "/proc/thread-self") == 0) {
        pid_t process = sb_process_of(place->supervisor, place->call);
        return snprintf(link, PATH_MAX, "%d/task/%d", process, place->call->thread);
    }
    const char *name = sb_inside(place->supervisor, link);
    if (name == NULL) return length;
    memmove(link, name, strlen(name) + 1);
    return (ssize_t)strlen(link);
}
