// A private /dev with the devices that no program can do without.

#include "child.h"

#include <string.h>
#include <sys/sysmacros.h>

static const struct device {
    const char *path;
    unsigned minor;
    unsigned major;
} devices[] = {
    {"/dev/null", 3, 1},   {"/dev/zero", 5, 1},    {"/dev/full", 7, 1},
    {"/dev/random", 8, 1}, {"/dev/urandom", 9, 1}, {"/dev/tty", 0, 5},
};
#define DEVICE_COUNT (sizeof devices / sizeof devices[0])

const char *sb_device_path(int index) {
    return index >= 0 && (size_t)index < DEVICE_COUNT ? devices[index].path : NULL;
}

int sb_device_numbers(const char *path, struct sb_device_rule *rule) {
    struct stat status;
    if (stat(path, &status) != 0) return -1;
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) {
        errno = ENODEV;
        return -1;
    }
    rule->type = S_ISCHR(status.st_mode) ? 'c' : 'b';
    rule->major = major(status.st_rdev);
    rule->minor = minor(status.st_rdev);
    return 0;
}

static const char *name_of(const struct device *device) { return device->path + strlen("/dev/"); }

static const struct link {
    const char *name;
    const char *target;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
};
#define LINK_COUNT (sizeof links / sizeof links[0])

// Attaches `tree` on `name` in `directory`, which must be no symbolic link, and closes it.
static int attach_at(int tree, int directory, const char *name) {
    if (tree < 0) return -1;
    int target = sb_openat2(directory, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    int result = target < 0 ? -1 : sb_attach(tree, target);
    sb_close(target);
    sb_close(tree);
    return result;
}

// A mount of the caller's own device file, where making one is not allowed. The number is checked, so that nothing else
// under that name gets in (CVE-2025-31133).
static int clone_host_device(const struct device *device) {
    int directory = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    int tree = sb_open_tree(directory, name_of(device), OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW);
    sb_close(directory);
    struct stat status;
    if (tree < 0 || fstat(tree, &status) != 0) return -1;
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(device->major, device->minor)) return tree;
    sb_close(tree);
    errno = ENODEV;
    return -1;
}

// Puts each device into `directory` as a mount of its own: /dev itself is `nodev`, so that no other device made there
// can be used, and root inside cannot change the host's device files.
static int attach_devices(struct sb_child *child, int directory) {
    const int nodes = child->nodes;
    for (size_t index = 0; index < DEVICE_COUNT; index++) {
        const struct device *device = &devices[index];
        child->position.index = (int)index;
        if (mknodat(directory, name_of(device), S_IFREG | 0666, 0) != 0) return -1;
        int tree = -1;
        if (mknodat(nodes, name_of(device), S_IFCHR | 0666, makedev(device->major, device->minor)) == 0) {
            tree = sb_open_tree(nodes, name_of(device), OPEN_TREE_CLONE);
        } else if (errno == EPERM) {
            tree = clone_host_device(device);
        }
        if (attach_at(tree, directory, name_of(device)) != 0) return -1;
    }
    child->position.index = -1;
    child->null = sb_openat2(directory, name_of(&devices[0]), O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (child->null < 0 || mkdirat(nodes, "empty", 0755) != 0) return -1;
    child->empty = openat(nodes, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return child->empty < 0 ? -1 : 0;
}

// The terminal of the streams as /dev/console, which is how programs inside find its name.
static int attach_console(const struct sb_child *child, int directory) {
    const char *terminal = child->configuration->terminal;
    if (terminal == NULL) return 0;
    if (mknodat(directory, "console", S_IFREG | 0620, 0) != 0) return -1;
    return attach_at(sb_open_tree(AT_FDCWD, terminal, OPEN_TREE_CLONE), directory, "console");
}

static int attach_below(const struct sb_child *child, int directory) {
    // Group 5 is `tty` everywhere; in a user namespace with one group it does not exist.
    static const char *const terminal_options[] = {"ptmxmode", "0666", "mode", "0620", "gid", "5", NULL};
    char shared_size[SB_DIGITS];
    sb_append_number(shared_size, child->configuration->shared_memory_size);
    const char *const shared_options[] = {"mode", "1777", "size", shared_size, NULL};
    const char *options[] = {"ptmxmode", "0666", "mode", "0620", NULL};
    int in_user_namespace = child->configuration->isolation == SB_ISOLATION_SINGLE_USER;
    int tree = sb_new_filesystem("devpts", in_user_namespace ? options : terminal_options,
                                 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (attach_at(tree, directory, "pts") != 0) return -1;
    const unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    if (child->shared_memory >= 0) tree = child->shared_memory;
    else if (child->configuration->shares_ipc)
        tree = sb_open_tree(AT_FDCWD, "/dev/shm", OPEN_TREE_CLONE | AT_RECURSIVE);
    else tree = sb_new_filesystem("tmpfs", shared_options, attributes);
    if (attach_at(tree, directory, "shm") != 0) return -1;
    // Message queues are not in every kernel, and few programs look for them.
    if (mkdirat(directory, "mqueue", 0755) != 0) return -1;
    attach_at(sb_new_filesystem("mqueue", NULL, attributes), directory, "mqueue");
    return 0;
}

static int fill(struct sb_child *child, int directory) {
    if (attach_devices(child, directory) != 0) return -1;
    for (size_t index = 0; index < LINK_COUNT; index++) {
        if (symlinkat(links[index].target, directory, links[index].name) != 0) return -1;
    }
    if (mkdirat(directory, "pts", 0755) != 0 || mkdirat(directory, "shm", 01777) != 0) return -1;
    if (attach_below(child, directory) != 0) return -1;
    return attach_console(child, directory);
}

// The real device files lie in a filesystem below the visible one, where nothing inside can reach them.
int sb_mount_devices(struct sb_child *child) {
    static const char *const options[] = {"mode", "0755", "size", "65536k", NULL};
    child->position.index = -1;
    int target = sb_resolve(child, "/dev", SB_MISSING_DIRECTORY, 0);
    if (target < 0) return -1;
    child->nodes = sb_new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID);
    int directory = sb_new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | sb_nodev(child));
    int result = -1;
    if (child->nodes >= 0 && directory >= 0 && sb_attach(child->nodes, target) == 0 &&
        sb_attach(directory, child->nodes) == 0) {
        result = fill(child, directory);
    }
    sb_close(target);
    sb_close(directory);
    return result;
}

int sb_make_devices(struct sb_child *child) {
    child->position.index = -1;
    int directory = sb_resolve(child, "/dev", SB_MISSING_DIRECTORY, 0);
    if (directory < 0) return -1;
    for (size_t index = 0; index < DEVICE_COUNT; index++) {
        const struct device *device = &devices[index];
        dev_t number = makedev(device->major, device->minor);
        // Without them most programs still work, so a machine that forbids them does not stop us. A tracer has its own
        // in the place of any file.
        const mode_t kind = child->configuration->isolation == SB_ISOLATION_TRACED ? S_IFREG : S_IFCHR;
        if (mknodat(directory, name_of(device), kind | 0666, number) != 0) continue;
        if (sb_report_created(child, 'f', device->path) != 0) return -1;
    }
    for (size_t index = 0; index < LINK_COUNT; index++) {
        char path[32] = "/dev/";
        strcat(path, links[index].name);
        if (symlinkat(links[index].target, directory, links[index].name) != 0) continue;
        if (sb_report_created(child, 'f', path) != 0) return -1;
    }
    if (mkdirat(directory, "shm", 01777) == 0 && sb_report_created(child, 'd', "/dev/shm") != 0) return -1;
    sb_close(directory);
    return 0;
}
