// Paths inside the root, resolved as if it were the root directory already.

#include "child.h"

#include <limits.h>
#include <string.h>

#define MAXIMUM_LINKS 40

// A walk along a path: `done` has no symbolic links and names a directory, `rest` is still to go.
struct walk {
    char done[PATH_MAX];
    char rest[PATH_MAX];
    int links;
};

// Opens a path of which no component is a symbolic link. RESOLVE_IN_ROOT makes sure of it even if another process
// changes a directory meanwhile, which is possible in mounts that sandboxes share.
static int open_inside(const struct sb_child *child, const char *path, int flags) {
    const char *relative = path + (*path == '/');
    if (*relative == 0) relative = ".";
    uint64_t how = O_PATH | O_NOFOLLOW | (uint64_t)flags;
    int result = sb_openat2(child->root, relative, how, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (result < 0 && errno == ENOSYS && !sb_has_namespaces(child->configuration)) {
        return openat(child->root, relative, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags);
    }
    return result;
}

int sb_report_created(const struct sb_child *child, char kind, const char *path) {
    size_t length = strlen(path) + 1;
    if (write(child->report, &kind, 1) != 1) return -1;
    return write(child->report, path, length) == (ssize_t)length ? 0 : -1;
}

// Takes the first component off `rest` into `name`: its length, 0 at the end, -1 when it is too long.
static int next_component(struct walk *walk, char name[NAME_MAX + 1]) {
    const char *start = walk->rest;
    while (*start == '/') start++;
    size_t length = strcspn(start, "/");
    if (length > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, start, length);
    name[length] = 0;
    memmove(walk->rest, start + length, strlen(start + length) + 1);
    return (int)length;
}

static int append_component(struct walk *walk, const char *name) {
    size_t length = strlen(walk->done), added = strlen(name);
    if (length + 1 + added >= sizeof walk->done) {
        errno = ENAMETOOLONG;
        return -1;
    }
    walk->done[length] = '/';
    memcpy(walk->done + length + 1, name, added + 1);
    return 0;
}

static void remove_component(struct walk *walk) {
    char *slash = strrchr(walk->done, '/');
    if (slash != NULL) *slash = 0;
}

// Replaces the last component, which is the symbolic link `link`, by what it says.
static int follow_link(struct walk *walk, int link) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    if (length < 0) return -1;
    target[length] = 0;
    size_t rest = strlen(walk->rest);
    if (++walk->links > MAXIMUM_LINKS) {
        errno = ELOOP;
        return -1;
    }
    if ((size_t)length + 1 + rest >= sizeof walk->rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memmove(walk->rest + length + 1, walk->rest, rest + 1);
    memcpy(walk->rest, target, (size_t)length);
    walk->rest[length] = '/';
    if (target[0] == '/') walk->done[0] = 0;
    else remove_component(walk);
    return 0;
}

// Makes the last component of `done`, and returns it opened.
static int create(const struct sb_child *child, struct walk *walk, enum sb_missing missing) {
    const struct sb_configuration *configuration = child->configuration;
    char *slash = strrchr(walk->done, '/');
    *slash = 0;
    int parent = open_inside(child, walk->done, O_DIRECTORY);
    *slash = '/';
    if (parent < 0) return -1;
    int is_last = walk->rest[strspn(walk->rest, "/")] == 0;
    char kind = missing == SB_MISSING_FILE && is_last ? 'f' : 'd';
    int made = kind == 'f' ? mknodat(parent, slash + 1, S_IFREG | 0755, 0) : mkdirat(parent, slash + 1, 0755);
    int is_only_user = sb_has_one_user(configuration);
    if (made == 0 && missing == SB_MISSING_WORKING_DIRECTORY && !is_only_user) {
        made = fchownat(parent, slash + 1, configuration->user, configuration->group, AT_SYMLINK_NOFOLLOW);
    }
    if (made == 0 && missing == SB_MISSING_WORKING_DIRECTORY && sb_emulates_users(configuration)) {
        int directory = openat(parent, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        sb_record_owner(directory, configuration->user, configuration->group);
        sb_close(directory);
    }
    if (made == 0 && missing != SB_MISSING_WORKING_DIRECTORY) made = sb_report_created(child, kind, walk->done);
    sb_close(parent);
    return made == 0 || errno == EEXIST ? open_inside(child, walk->done, 0) : -1;
}

// Goes one component further: 1 when there was one, 0 at the end, -1 on failure.
static int step(const struct sb_child *child, struct walk *walk, enum sb_missing missing, int follow_links) {
    char name[NAME_MAX + 1];
    int length = next_component(walk, name);
    if (length <= 0) return length;
    if (strcmp(name, ".") == 0) return 1;
    if (strcmp(name, "..") == 0) {
        remove_component(walk);
        return 1;
    }
    if (append_component(walk, name) != 0) return -1;
    int opened = open_inside(child, walk->done, 0);
    if (opened < 0 && errno == ENOENT && missing != SB_MISSING_FAILS) opened = create(child, walk, missing);
    if (opened < 0) return -1;
    struct stat status;
    int result = fstat(opened, &status);
    if (result == 0 && S_ISLNK(status.st_mode)) {
        errno = ELOOP;
        result = follow_links ? follow_link(walk, opened) : -1;
    }
    sb_close(opened);
    return result == 0 ? 1 : -1;
}

// Opens `path` inside the root with O_PATH. Symbolic links lead to places inside the root, as they would for a process
// there, or fail with ELOOP when `follow_links` is 0; dangling ones are followed to what is then made.
int sb_resolve(const struct sb_child *child, const char *path, enum sb_missing missing, int follow_links) {
    struct walk walk = {.links = 0};
    if (strlen(path) >= sizeof walk.rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(walk.rest, path);
    int result;
    do result = step(child, &walk, missing, follow_links);
    while (result == 1);
    return result == 0 ? open_inside(child, walk.done, 0) : -1;
}
