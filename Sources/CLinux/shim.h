// Linux calls that Swift's Glibc module leaves out.
//
// No header with structures that Swift reads elsewhere, such as <fcntl.h> with `struct stat`: they would become this
// module's, depending on what is compiled first.
#pragma once
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

// glibc declares copy_file_range only with _GNU_SOURCE, which a module cannot set.
static inline ssize_t sb_copy_file_range(int from, off_t *from_offset, int to, size_t length) {
    return syscall(SYS_copy_file_range, from, from_offset, to, (off_t *)0, length, 0u);
}

// glibc has pipe2 only with _GNU_SOURCE; no process that starts meanwhile inherits these descriptors.
// The flag is O_CLOEXEC, the same on all processors that Swift runs on.
static inline int sb_pipe_cloexec(int descriptors[2]) { return (int)syscall(SYS_pipe2, descriptors, 02000000); }

// A descriptor of a process (Linux 5.3); older C libraries have no function for it.
static inline int sb_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0u); }

// Opens what exists below a directory that is the root for links and `..` (Linux 5.6), without waiting for it.
static inline int sb_open_in_root(int root, const char *path, int flags) {
    // struct open_how: flags O_CLOEXEC, O_NONBLOCK and O_NOCTTY, of which O_PATH allows the first only; no mode;
    // RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS.
    uint64_t how[3] = {(uint64_t)flags | 02000000 | (flags & 010000000 ? 0 : 04000 | 0400), 0, 0x10 | 0x02};
    return (int)syscall(SYS_openat2, root, path, how, sizeof how);
}

// Whether an open file is in a filesystem that shows what the kernel knows: proc, sysfs or devpts of statfs(2).
static inline int sb_is_of_kernel(int descriptor) {
    struct statfs filesystem;
    if (fstatfs(descriptor, &filesystem) != 0) return 0;
    return filesystem.f_type == 0x9FA0 || filesystem.f_type == 0x62656572 || filesystem.f_type == 0x1CD1;
}

// Closes the descriptor and all higher ones; glibc has it since 2.34, and the kernel since 5.9.
static inline void sb_close_from(int descriptor) { syscall(436 /* SYS_close_range */, (unsigned)descriptor, ~0u, 0); }

// glibc has accept4 only with _GNU_SOURCE.
static inline int sb_accept_cloexec(int listener) {
    return (int)syscall(SYS_accept4, listener, (void *)0, (void *)0, 02000000);
}

// glibc has getdents64 only with _GNU_SOURCE.
static inline ssize_t sb_getdents64(int directory, void *buffer, size_t length) {
    return syscall(SYS_getdents64, directory, buffer, length);
}

// Sets one of the attributes that chattr(1) knows, with FS_IOC_GETFLAGS and FS_IOC_SETFLAGS.
static inline int sb_add_inode_flag(int descriptor, int flag) {
    // Their numbers have the size of a long, and they take an int.
    int flags[2] = {0, 0};
    if (syscall(SYS_ioctl, descriptor, 0x80086601ul, flags) != 0) return -1;
    flags[0] |= flag;
    return (int)syscall(SYS_ioctl, descriptor, 0x40086602ul, flags);
}

// What is read or written passes through the page cache without staying there (Linux 6.14), or as usual where the
// filesystem cannot do that. An offset of -1 means the descriptor's own position.
#define SB_RWF_DONTCACHE 0x80

static inline ssize_t sb_pread_uncached(int file, void *buffer, size_t length, off_t offset) {
    struct iovec part = {buffer, length};
    ssize_t count = syscall(SYS_preadv2, file, &part, 1ul, offset, 0l, SB_RWF_DONTCACHE);
    if (count >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return count;
    return pread(file, buffer, length, offset);
}

static inline ssize_t sb_write_uncached(int file, const void *buffer, size_t length) {
    struct iovec part = {(void *)buffer, length};
    ssize_t count = syscall(SYS_pwritev2, file, &part, 1ul, -1l, -1l, SB_RWF_DONTCACHE);
    if (count >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return count;
    return write(file, buffer, length);
}

// glibc has renameat2 only with _GNU_SOURCE. The numbers are AT_FDCWD and RENAME_EXCHANGE.
static inline int sb_exchange(const char *path, const char *other) {
    return (int)syscall(SYS_renameat2, -100, path, -100, other, 2);
}

// glibc has unshare and setns only with _GNU_SOURCE. The flag is CLONE_NEWNET; both concern the calling thread.
static inline int sb_unshare_network(void) { return (int)syscall(SYS_unshare, 0x40000000); }
static inline int sb_enter_network(int descriptor) { return (int)syscall(SYS_setns, descriptor, 0x40000000); }

// glibc has accept4 only with _GNU_SOURCE. The flags are SOCK_CLOEXEC and SOCK_NONBLOCK.
static inline int sb_accept_nonblocking(int listener) {
    return (int)syscall(SYS_accept4, listener, (void *)0, (void *)0, 02000000 | 04000);
}

// Gives back the mapped pages of the program's code and constants, which the kernel maps in large pieces around what is
// executed once. What is executed again comes from the page cache.
static inline void sb_release_code(void) {
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    uintptr_t count = getauxval(AT_PHNUM), page = getauxval(AT_PAGESZ), moved = 0;
    for (uintptr_t i = 0; headers && i < count; i++)
        if (headers[i].p_type == PT_PHDR) moved = (uintptr_t)headers - headers[i].p_vaddr;
    for (uintptr_t i = 0; headers && i < count; i++) {
        if (headers[i].p_type != PT_LOAD || headers[i].p_flags & PF_W) continue;
        uintptr_t start = (moved + headers[i].p_vaddr) & ~(page - 1);
        madvise((void *)start, moved + headers[i].p_vaddr + headers[i].p_filesz - start, MADV_DONTNEED);
    }
}

// An EROFS filesystem whose metadata is one file and whose contents are another, mounted nowhere: a descriptor, which
// the mount ends with, or -1. The numbers are the same on all processors: fsopen, fsconfig and fsmount of Linux 5.2.
static inline int sb_mount_erofs(const char *metadata, const char *contents) {
    int context = (int)syscall(430, "erofs", 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return -1;
    int mount = -1;
    if (syscall(431, context, 1 /* FSCONFIG_SET_STRING */, "source", metadata, 0) == 0 &&
        syscall(431, context, 1, "device", contents, 0) == 0 &&
        syscall(431, context, 6 /* FSCONFIG_CMD_CREATE */, (void *)0, (void *)0, 0) == 0) {
        mount = (int)syscall(432, context, 1 /* FSMOUNT_CLOEXEC */, 1 /* MOUNT_ATTR_RDONLY */);
    }
    int error = errno;
    close(context);
    errno = error;
    return mount;
}
