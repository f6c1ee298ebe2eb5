// Linux calls that Swift's Glibc module leaves out.
#pragma once
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

// glibc declares copy_file_range only with _GNU_SOURCE, which a module cannot set.
static inline ssize_t sb_copy_file_range(int from, off_t *from_offset, int to, size_t length) {
    return syscall(SYS_copy_file_range, from, from_offset, to, (off_t *)0, length, 0u);
}

// glibc has getdents64 only with _GNU_SOURCE.
static inline ssize_t sb_getdents64(int directory, void *buffer, size_t length) {
    return syscall(SYS_getdents64, directory, buffer, length);
}
