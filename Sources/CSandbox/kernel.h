#ifndef SB_KERNEL_H
#define SB_KERNEL_H

// System calls as the kernel has them: the C library wraps few of these, and its wrappers of others do more than a
// child between clone and execve may (setuid, for one, signals every thread). All return -1 and set errno.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SB_UNMOUNT_DETACH 2 // MNT_DETACH; sys/mount.h cannot be included next to linux/mount.h

static inline int sb_open_how(int directory, const char *path, uint64_t flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    // Another process's mount or rename at this moment makes the kernel unsure about `..`: ask again.
    for (int attempt = 0;; attempt++) {
        int result = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (result >= 0 || errno != EAGAIN || attempt == 1000) return result;
    }
}

static inline int sb_openat2(int directory, const char *path, uint64_t flags, uint64_t resolve) {
    return sb_open_how(directory, path, flags, 0, resolve);
}

static inline int sb_fsopen(const char *type) { return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC); }

static inline int sb_fsconfig_string(int context, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value, 0);
}

static inline int sb_fsconfig_flag(int context, const char *key) {
    return (int)syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, key, NULL, 0);
}

static inline int sb_fsconfig_create(int context) {
    return (int)syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static inline int sb_fsmount(int context, unsigned attributes) {
    return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
}

static inline int sb_open_tree(int directory, const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, directory, path, flags | OPEN_TREE_CLOEXEC);
}

// Attaches the mount `tree` on what `target` refers to, by descriptors only: no path is looked up.
static inline int sb_attach(int tree, int target) {
    return (int)syscall(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int sb_set_attributes(int tree, uint64_t attributes, int recursive) {
    struct mount_attr request = {.attr_set = attributes};
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return (int)syscall(SYS_mount_setattr, tree, "", flags, &request, sizeof request);
}

static inline int sb_mount(const char *source, const char *target, const char *type, unsigned long flags,
                           const char *data) {
    return (int)syscall(SYS_mount, source, target, type, flags, data);
}

static inline int sb_unmount(const char *target) { return (int)syscall(SYS_umount2, target, SB_UNMOUNT_DETACH); }

// Closes and keeps errno, for the way out of a failed function.
static inline void sb_close(int descriptor) {
    int error = errno;
    if (descriptor >= 0) close(descriptor);
    errno = error;
}

#endif
