// The files that calls name.

#include "places.h"

#include <string.h>
#include <stdio.h>

// Opens a directory of the caller's that relative paths begin at.
int sb_open_base(const struct sb_supervisor *supervisor, const struct sb_call *call, int directory, const char *path) {
    char name[2 * SB_DIGITS + 8];
    if (*path == '/') snprintf(name, sizeof name, "%d/root", call->thread);
    else if (directory == AT_FDCWD) snprintf(name, sizeof name, "%d/cwd", call->thread);
    else snprintf(name, sizeof name, "%d/fd/%d", call->thread, directory);
    return openat(supervisor->proc, name, O_PATH | O_CLOEXEC);
}

// The file that a call names, with O_PATH; an empty path is the descriptor itself.
int sb_open_named(struct sb_supervisor *supervisor, struct sb_call *call, int directory, const char *path, int follow) {
    if (supervisor->is_traced && *path != 0) {
        return sb_open_guest(supervisor, call, directory, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, NULL);
    }
    int base = sb_open_base(supervisor, call, directory, path);
    if (base < 0 || *path == 0) return base;
    uint64_t flags = O_PATH | (follow ? 0 : O_NOFOLLOW);
    int file = sb_openat2(base, path, flags, *path == '/' ? RESOLVE_IN_ROOT : 0);
    sb_close(base);
    return file;
}

// The directory that a path is in, and its last name; -1 where there is none.
int sb_open_parent(struct sb_supervisor *supervisor, struct sb_call *call, int directory, char *path,
                   const char **name) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') path[--length] = 0;
    char *slash = strrchr(path, '/');
    *name = slash == NULL ? path : slash + 1;
    if (**name == 0) {
        errno = EEXIST;
        return -1;
    }
    if (slash == NULL) return sb_open_base(supervisor, call, directory, "");
    char parent[PATH_MAX];
    size_t size = (size_t)(slash - path);
    memcpy(parent, path, size);
    memcpy(parent + size, size == 0 ? "/" : "", size == 0 ? 2 : 1);
    return sb_open_named(supervisor, call, directory, parent, 1);
}

// Whether a file of the root is in the place of one of the machine's: /proc, /sys or a device.
static int is_covered(const struct sb_supervisor *supervisor, int file) {
    static const char *const directories[] = {"proc", "sys"};
    static struct {
        dev_t device;
        ino_t inode;
    } covered[16];
    static size_t count;
    struct stat status;
    if (count == 0) {
        for (size_t index = 0; count < sizeof covered / sizeof covered[0]; index++) {
            const char *name = index < 2 ? directories[index] : sb_device_path((int)index - 2);
            if (name == NULL) break;
            covered[count].inode = 0;
            if (fstatat(supervisor->root, name + (*name == '/'), &status, AT_SYMLINK_NOFOLLOW) == 0) {
                covered[count].device = status.st_dev;
                covered[count].inode = status.st_ino;
            }
            count++;
        }
    }
    if (fstatat(file, "", &status, AT_EMPTY_PATH) != 0) return 0;
    for (size_t index = 0; index < count; index++) {
        if (covered[index].inode == status.st_ino && covered[index].device == status.st_dev) return 1;
    }
    return 0;
}

static int may_be_covered(const char *path) {
    static const char *const names[] = {"proc", "sys", "dev"};
    path += strspn(path, "/");
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        size_t length = strlen(names[index]);
        if (strncmp(path, names[index], length) == 0 && (path[length] == 0 || path[length] == '/')) return 1;
    }
    return 0;
}

// The quick way, which is nearly always the right one: -1 with errno, which is EXDEV where it is not.
static int open_inside(struct sb_supervisor *supervisor, const struct sb_call *call, int directory, const char *path,
                       uint64_t flags, unsigned mode) {
    int file, base = supervisor->root;
    uint64_t resolve = RESOLVE_IN_ROOT;
    if (*path != '/') {
        struct stat status;
        base = sb_open_base(supervisor, call, directory, path);
        if (base < 0) return -1;
        resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
        if (fstatat(base, "", &status, AT_EMPTY_PATH) != 0 || status.st_dev != supervisor->root_device) {
            close(base);
            errno = EXDEV;
            return -1;
        }
    } else if (may_be_covered(path)) {
        errno = EXDEV;
        return -1;
    }
    file = sb_open_how(base, path, flags, mode, resolve);
    if (base != supervisor->root) sb_close(base);
    if (file >= 0 && is_covered(supervisor, file)) {
        close(file);
        file = -1;
        errno = EXDEV;
    }
    return file;
}

int sb_open_guest(struct sb_supervisor *supervisor, struct sb_call *call, int directory, const char *path,
                  uint64_t flags, unsigned mode, char *outside) {
    static struct place place;
    if (outside != NULL) outside[0] = 0;
    int file = open_inside(supervisor, call, directory, path, flags, mode);
    if (file >= 0 || (errno != EXDEV && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)) return file;
    const int error = errno;
    const size_t length = strlen(path);
    const int is_directory = length > 0 && path[length - 1] == '/';
    place.supervisor = supervisor;
    place.call = call;
    place.path[0] = place.done[0] = 0;
    int found = sb_find_place(&place, directory, path, is_directory || !(flags & O_NOFOLLOW));
    if (found < 0) return -1;
    if (found > 0) {
        if (outside != NULL) strcpy(outside, place.path);
        return open(place.path, (int)flags | O_CLOEXEC, mode);
    }
    if (place.done[0] == 0 && place.path[0] == 0) {
        // It begins neither in the root nor in what is shown of the machine.
        int base = sb_open_base(supervisor, call, directory, path);
        if (base < 0) return -1;
        file = openat(base, path, (int)flags | O_CLOEXEC, mode);
        sb_close(base);
        return file;
    }
    if (error != EXDEV) {
        errno = error;
        return -1;
    }
    if (is_directory) flags |= O_DIRECTORY;
    return sb_open_how(supervisor->root, place.done[0] == 0 ? "." : place.done, flags, mode, RESOLVE_IN_ROOT);
}
