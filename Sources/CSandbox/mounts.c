// The mount table of the configuration.

#include "child.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

// Opens what a bind mounts: a path of the host, or one inside a directory that its links cannot leave (CVE-2024-1753).
static int open_source(const struct sb_mount *mount, int flags) {
    if (mount->source_root == NULL) return open(mount->source, flags | O_CLOEXEC);
    int root = open(mount->source_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return -1;
    int result = sb_openat2(root, mount->source, (uint64_t)flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    sb_close(root);
    return result;
}

// A mount of what `source` refers to, attached nowhere.
static int clone_tree(int source, int recursive) {
    unsigned flags = OPEN_TREE_CLONE | AT_EMPTY_PATH;
    int tree = sb_open_tree(source, "", flags | (recursive ? AT_RECURSIVE : 0));
    // In a user namespace what the caller's mounts cover must stay covered.
    if (tree < 0 && errno == EINVAL && !recursive) tree = sb_open_tree(source, "", flags | AT_RECURSIVE);
    return tree;
}

static int bind_tree(const struct sb_mount *mount) {
    int source = open_source(mount, O_PATH);
    if (source < 0) return -1;
    int tree = clone_tree(source, mount->flags & SB_MOUNT_RECURSIVE);
    sb_close(source);
    return tree;
}

static int is_whole(const char *path) { return path == NULL || path[strspn(path, "/.")] == 0; }

static int clone_part(int whole, const struct sb_mount *mount) {
    int source = sb_openat2(whole, is_whole(mount->source) ? "." : mount->source, O_PATH,
                            RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    int tree = source < 0 ? -1 : clone_tree(source, 0);
    sb_close(source);
    return tree;
}

// A part of an overlay. Before Linux 6.15 only attached mounts can be cloned, so it is attached to its own first
// directory for a moment.
static int part_of_overlay(const struct sb_child *child, const struct sb_mount *mount) {
    const struct sb_overlay *overlay = &mount->overlay;
    const char *place = sb_overlay_place(overlay);
    // A directory that is mounted nowhere itself is no place, and the kernel is new enough.
    int is_attached = place != NULL;
    int whole = is_attached ? sb_overlay_attached(child, overlay) : sb_overlay_detached(child, overlay);
    if (whole < 0) return -1;
    int tree = clone_part(whole, mount);
    int error = errno;
    sb_close(whole);
    if (is_attached) sb_unmount(place);
    errno = error;
    return tree;
}

static int overlay_tree(const struct sb_child *child, const struct sb_mount *mount) {
    if (mount->overlay.lower_count == 1 && mount->overlay.upper == NULL) {
        // The kernel wants two directories at least, and one alone needs no overlay.
        struct sb_mount bind = *mount;
        bind.source_root = mount->overlay.lower[0];
        bind.source = is_whole(mount->source) ? "." : mount->source;
        return bind_tree(&bind);
    }
    if (is_whole(mount->source)) {
        int tree = sb_overlay_detached(child, &mount->overlay);
        if (tree >= 0 || errno != ENOSYS) return tree;
    }
    return part_of_overlay(child, mount);
}

static int tmpfs_tree(const struct sb_child *child, const struct sb_mount *mount) {
    char size[SB_DIGITS], user[SB_DIGITS], group[SB_DIGITS], mode[8];
    sb_append_number(size, mount->size);
    sb_append_number(user, mount->user);
    sb_append_number(group, mount->group);
    for (int index = 0; index < 5; index++) mode[index] = (char)('0' + (mount->mode >> (3 * (4 - index)) & 7));
    mode[5] = 0;
    // The list ends at the first name that is NULL, so the size comes last.
    const char *options[] = {"mode", mode, "uid", user, "gid", group, mount->size != 0 ? "size" : NULL, size, NULL};
    unsigned programs = mount->flags & SB_MOUNT_NO_PROGRAMS ? MOUNT_ATTR_NOEXEC : 0;
    return sb_new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | sb_nodev(child) | programs);
}

static int write_content(const struct sb_mount *mount, int file) {
    const char *bytes = mount->content;
    for (uint64_t position = 0; position < mount->size;) {
        ssize_t written = write(file, bytes + position, mount->size - position);
        if (written < 0) return -1;
        position += (uint64_t)written;
    }
    return 0;
}

// A file that is in memory only: what is written to it inside is nowhere afterwards.
static int content_tree(const struct sb_child *child, const struct sb_mount *mount) {
    char name[SB_DIGITS];
    sb_append_number(name, (unsigned)child->position.index);
    int file = openat(child->nodes, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mount->mode);
    if (file < 0) return -1;
    int result = write_content(mount, file);
    // In a user namespace the file is the only user's already, and there is no other user to give it to.
    if (result == 0 && child->configuration->isolation != SB_ISOLATION_SINGLE_USER) {
        result = fchown(file, mount->user, mount->group);
    } else if (sb_emulates_users(child->configuration)) {
        // Writing attributes takes the permission to write.
        fchmod(file, 0600);
        sb_record_owner(file, mount->user, mount->group);
        fchmod(file, mount->mode);
    }
    sb_close(file);
    return result == 0 ? sb_open_tree(child->nodes, name, OPEN_TREE_CLONE) : -1;
}

// A device file of the machine's, as one of its own: root inside can then not change the machine's.
static int device_tree(const struct sb_child *child, const struct sb_mount *mount) {
    char name[SB_DIGITS];
    struct stat status;
    // Opening a device may do something.
    int source = open(mount->source, O_PATH | O_CLOEXEC), tree = -1;
    if (source < 0) return -1;
    sb_append_number(name, (unsigned)child->position.index);
    if (fstat(source, &status) != 0 || !(S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))) {
        errno = ENODEV;
    } else if (mknodat(child->nodes, name, status.st_mode, status.st_rdev) == 0) {
        if (fchownat(child->nodes, name, status.st_uid, status.st_gid, 0) == 0) {
            tree = sb_open_tree(child->nodes, name, OPEN_TREE_CLONE);
        }
    } else if (errno == EPERM) {
        tree = clone_tree(source, 0);
    }
    sb_close(source);
    return tree;
}

static int tree_for(const struct sb_child *child, const struct sb_mount *mount) {
    switch (mount->kind) {
    case SB_MOUNT_BIND: return bind_tree(mount);
    case SB_MOUNT_TMPFS: return tmpfs_tree(child, mount);
    case SB_MOUNT_CONTENT: return content_tree(child, mount);
    case SB_MOUNT_OVERLAY: return overlay_tree(child, mount);
    case SB_MOUNT_DEVICE: return device_tree(child, mount);
    }
    errno = EINVAL;
    return -1;
}

static enum sb_missing missing_for(const struct sb_mount *mount, int is_directory) {
    if (!(mount->flags & SB_MOUNT_CREATE_TARGET)) return SB_MISSING_FAILS;
    return is_directory ? SB_MISSING_DIRECTORY : SB_MISSING_FILE;
}

// What is mounted over a part of /proc changes what the kernel tells of processes (CVE-2019-16884): a link of the image
// may lead there.
static int is_in_proc(int target) {
    struct statfs filesystem;
    return fstatfs(target, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
}

static int mount_one(const struct sb_child *child, const struct sb_mount *mount) {
    int tree = tree_for(child, mount);
    if (tree < 0) return -1;
    int result = -1, target = -1;
    uint64_t attributes = mount->flags & SB_MOUNT_READ_ONLY ? MOUNT_ATTR_RDONLY : 0;
    if (mount->kind != SB_MOUNT_DEVICE) attributes |= sb_nodev(child);
    struct stat status;
    if (attributes != 0 && sb_set_attributes(tree, attributes, 1) != 0) goto out;
    if (fstat(tree, &status) != 0) goto out;
    target = sb_resolve(child, mount->target, missing_for(mount, S_ISDIR(status.st_mode)), 1);
    if (target >= 0 && is_in_proc(target)) errno = EPERM;
    else if (target >= 0) result = sb_attach(tree, target);
out:
    sb_close(target);
    sb_close(tree);
    return result;
}

int sb_mount_table(struct sb_child *child) {
    for (size_t index = 0; index < child->configuration->mount_count; index++) {
        child->position.index = (int)index;
        if (mount_one(child, &child->configuration->mounts[index]) != 0) return -1;
    }
    return 0;
}

static int copy_content(int from, int to) {
    char buffer[4096];
    for (;;) {
        ssize_t count = read(from, buffer, sizeof buffer);
        if (count <= 0) return (int)count;
        for (ssize_t position = 0; position < count;) {
            ssize_t written = write(to, buffer + position, (size_t)(count - position));
            if (written < 0) return -1;
            position += written;
        }
    }
}

// Makes a file where nothing is yet, with the content of `source` if there is one; what the root has under that name
// stays.
static int imitate_file(const struct sb_child *child, const struct sb_mount *mount, int source) {
    int target = sb_resolve(child, mount->target, SB_MISSING_FAILS, 1);
    if (target >= 0 || errno != ENOENT) {
        sb_close(target);
        return target >= 0 ? 0 : -1;
    }
    target = sb_resolve(child, mount->target, SB_MISSING_FILE, 1);
    if (target < 0) return -1;
    // An O_PATH descriptor of a file that was just made; its directory entry is the way to one that can be written.
    char path[14 + SB_DIGITS] = "/proc/self/fd/";
    sb_append_number(path + 14, (unsigned)target);
    int writable = open(path, O_WRONLY | O_CLOEXEC);
    int result = -1;
    if (writable >= 0) result = source < 0 ? write_content(mount, writable) : copy_content(source, writable);
    sb_close(writable);
    sb_close(target);
    return result;
}

static int imitate(const struct sb_child *child, const struct sb_mount *mount) {
    if (mount->kind == SB_MOUNT_TMPFS) {
        int directory = sb_resolve(child, mount->target, missing_for(mount, 1), 1);
        sb_close(directory);
        return directory < 0 ? -1 : 0;
    }
    if (mount->kind == SB_MOUNT_CONTENT) return imitate_file(child, mount, -1);
    if (mount->kind != SB_MOUNT_BIND) {
        errno = EPERM;
        return -1;
    }
    int source = open_source(mount, O_RDONLY);
    struct stat status;
    int result = source < 0 ? -1 : fstat(source, &status);
    if (result == 0 && !S_ISREG(status.st_mode)) {
        errno = EPERM;
        result = -1;
    }
    if (result == 0) result = imitate_file(child, mount, source);
    sb_close(source);
    return result;
}

int sb_imitate_mounts(struct sb_child *child) {
    for (size_t index = 0; index < child->configuration->mount_count; index++) {
        child->position.index = (int)index;
        if (imitate(child, &child->configuration->mounts[index]) != 0) return -1;
    }
    return 0;
}
