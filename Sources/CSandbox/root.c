// The root mount, and changing to it.

#include "child.h"

unsigned sb_nodev(const struct sb_child *child) {
    const uint64_t administrator = (uint64_t)1 << 21; // CAP_SYS_ADMIN
    return child->device_group || child->configuration->capabilities & administrator ? 0 : MOUNT_ATTR_NODEV;
}

int sb_new_filesystem(const char *type, const char *const *options, unsigned attributes) {
    int context = sb_fsopen(type);
    if (context < 0) return -1;
    int result = 0;
    for (; result == 0 && options != NULL && options[0] != NULL; options += 2) {
        result = sb_fsconfig_string(context, options[0], options[1]);
    }
    if (result == 0) result = sb_fsconfig_create(context);
    int tree = result == 0 ? sb_fsmount(context, attributes) : -1;
    sb_close(context);
    return tree;
}

// A directory as a mount of its own, on itself; with what is mounted below it only where the kernel insists, which it
// does in a user namespace.
static int attach_directory(const struct sb_child *child, const char *path) {
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    unsigned flags = OPEN_TREE_CLONE | AT_EMPTY_PATH;
    int tree = sb_open_tree(directory, "", flags);
    if (tree < 0 && errno == EINVAL) tree = sb_open_tree(directory, "", flags | AT_RECURSIVE);
    if (tree >= 0) {
        int result = 0;
        if (sb_nodev(child) != 0) result = sb_set_attributes(tree, MOUNT_ATTR_NODEV, 0);
        if (result == 0) result = sb_attach(tree, directory);
        if (result != 0) {
            sb_close(tree);
            tree = -1;
        }
    }
    sb_close(directory);
    return tree;
}

int sb_mount_root(struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    if (configuration->root_directory == NULL) child->root = sb_overlay_attached(child, &configuration->root_overlay);
    else if (sb_has_namespaces(configuration)) {
        child->root = attach_directory(child, configuration->root_directory);
    } else {
        child->root = open(configuration->root_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return child->root < 0 ? -1 : 0;
}

int sb_change_root(const struct sb_child *child) {
    if (fchdir(child->root) != 0) return -1;
    if (child->configuration->isolation == SB_ISOLATION_TRACED) return 0;
    if (child->configuration->isolation == SB_ISOLATION_CHROOT) {
        return chroot(".") == 0 ? chdir("/") : -1;
    }
    // The new root ends up above the old one, which is then the one to detach (pivot_root(2), NOTES).
    if (syscall(SYS_pivot_root, ".", ".") == 0) return sb_unmount(".") == 0 ? chdir("/") : -1;
    if (errno != EINVAL) return -1;
    // The old root is the initial memory filesystem, which cannot be moved away: cover it.
    if (sb_mount(".", "/", NULL, MS_MOVE, NULL) != 0) return -1;
    return chroot(".") == 0 ? chdir("/") : -1;
}
