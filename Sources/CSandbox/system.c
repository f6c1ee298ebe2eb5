// /proc and /sys, with Docker's list of hidden and read-only places.

#include "child.h"

#include <string.h>

struct protected {
    const char *path;
    enum { HIDDEN_IN_PROC, READ_ONLY_IN_PROC, HIDDEN_IN_SYS } how;
};

static const struct protected protected_paths[] = {
    {"/proc/acpi", HIDDEN_IN_PROC},
    {"/proc/asound", HIDDEN_IN_PROC},
    {"/proc/interrupts", HIDDEN_IN_PROC},
    {"/proc/kcore", HIDDEN_IN_PROC},
    {"/proc/keys", HIDDEN_IN_PROC},
    {"/proc/latency_stats", HIDDEN_IN_PROC},
    {"/proc/sched_debug", HIDDEN_IN_PROC},
    {"/proc/scsi", HIDDEN_IN_PROC},
    {"/proc/timer_list", HIDDEN_IN_PROC},
    {"/proc/timer_stats", HIDDEN_IN_PROC},
    {"/proc/bus", READ_ONLY_IN_PROC},
    {"/proc/fs", READ_ONLY_IN_PROC},
    {"/proc/irq", READ_ONLY_IN_PROC},
    {"/proc/sys", READ_ONLY_IN_PROC},
    {"/proc/sysrq-trigger", READ_ONLY_IN_PROC},
    {"/sys/firmware", HIDDEN_IN_SYS},
    {"/sys/devices/virtual/powercap", HIDDEN_IN_SYS},
};
#define PROTECTED_COUNT ((int)(sizeof protected_paths / sizeof protected_paths[0]))

const char *sb_masked_path(int index) {
    return index >= 0 && index < PROTECTED_COUNT ? protected_paths[index].path : NULL;
}

int sb_is_hidden(int index) { return protected_paths[index].how != READ_ONLY_IN_PROC; }

#define SYSTEM_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

// Opens a path below a filesystem that was mounted here. It does not pass through the root, so an image has no
// influence on where it leads (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881).
static int open_below(int filesystem, const char *path) {
    return sb_openat2(filesystem, path, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

// Covers a directory with an empty one and a file with `/dev/null`: the ones that were made for this sandbox, reached
// by descriptor.
static int mask(const struct sb_child *child, int filesystem, const char *path) {
    int target = open_below(filesystem, path);
    if (target < 0) return errno == ENOENT || errno == EACCES ? 0 : -1;
    struct stat status;
    int tree = -1;
    if (fstat(target, &status) == 0) {
        int cover = S_ISDIR(status.st_mode) ? child->empty : child->null;
        tree = sb_open_tree(cover, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
    }
    int result = tree < 0 ? -1 : sb_set_attributes(tree, MOUNT_ATTR_RDONLY, 0);
    if (result == 0) result = sb_attach(tree, target);
    sb_close(tree);
    sb_close(target);
    return result;
}

static int make_read_only(int filesystem, const char *path) {
    int target = open_below(filesystem, path);
    if (target < 0) return errno == ENOENT ? 0 : -1;
    int tree = sb_open_tree(target, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
    int result = tree < 0 ? -1 : sb_set_attributes(tree, MOUNT_ATTR_RDONLY | SYSTEM_ATTRIBUTES, 1);
    if (result == 0) result = sb_attach(tree, target);
    sb_close(tree);
    sb_close(target);
    return result;
}

// Attaches `tree` on a directory of the root that is not a symbolic link (CVE-2019-19921).
static int attach_system(const struct sb_child *child, int tree, const char *path) {
    if (tree < 0) return -1;
    int target = sb_resolve(child, path, SB_MISSING_DIRECTORY, 0);
    int result = target < 0 ? -1 : sb_attach(tree, target);
    sb_close(target);
    return result;
}

// Protects what the list names below the filesystem `tree`, which is mounted on /proc or on /sys.
static int protect(struct sb_child *child, int tree, int is_sys) {
    if (child->configuration->unmasked) return 0;
    child->position.step = SB_STEP_MASK;
    for (int index = 0; index < PROTECTED_COUNT; index++) {
        const struct protected *entry = &protected_paths[index];
        if ((entry->how == HIDDEN_IN_SYS) != is_sys) continue;
        child->position.index = index;
        const char *below = entry->path + strlen(is_sys ? "/sys/" : "/proc/");
        int result = entry->how == READ_ONLY_IN_PROC ? make_read_only(tree, below) : mask(child, tree, below);
        if (result != 0) return -1;
    }
    return 0;
}

// The caller's /proc is still there, and shows each process the parameters of its own namespaces.
int sb_set_parameters(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    if (configuration->parameter_count == 0) return 0;
    int directory = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    int result = 0;
    for (size_t index = 0; index < configuration->parameter_count && result == 0; index++) {
        const struct sb_parameter *parameter = &configuration->parameters[index];
        child->position.index = (int)index;
        int file = sb_openat2(directory, parameter->path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        size_t length = strlen(parameter->value);
        result = file >= 0 && write(file, parameter->value, length) == (ssize_t)length ? 0 : -1;
        sb_close(file);
    }
    sb_close(directory);
    return result;
}

int sb_make_place(const struct sb_child *child, const char *path) {
    int directory = sb_resolve(child, path, SB_MISSING_DIRECTORY, 0);
    sb_close(directory);
    return directory < 0 ? -1 : 0;
}

int sb_mount_proc(struct sb_child *child) {
    int tree = sb_new_filesystem("proc", NULL, SYSTEM_ATTRIBUTES);
    int result = attach_system(child, tree, "/proc");
    if (result == 0) result = protect(child, tree, 0);
    sb_close(tree);
    return result;
}

int sb_mount_sys(struct sb_child *child) {
    unsigned attributes = SYSTEM_ATTRIBUTES | (child->configuration->unmasked ? 0 : MOUNT_ATTR_RDONLY);
    int tree = sb_new_filesystem("sysfs", NULL, attributes);
    if (tree < 0 && errno == EPERM) {
        // A user namespace may not mount the sysfs of a network namespace that it does not own: take the caller's.
        tree = sb_open_tree(AT_FDCWD, "/sys", OPEN_TREE_CLONE | AT_RECURSIVE);
        if (tree >= 0 && sb_set_attributes(tree, attributes, 1) != 0) {
            sb_close(tree);
            return -1;
        }
    }
    int result = attach_system(child, tree, "/sys");
    if (result == 0) result = protect(child, tree, 1);
    sb_close(tree);
    return result;
}
