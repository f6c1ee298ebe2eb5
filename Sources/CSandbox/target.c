// What the supervisor does to the processes that it answers.

#include "supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int open_memory(const struct sb_supervisor *supervisor, const struct sb_call *call, int flags) {
    char name[SB_DIGITS + 8];
    snprintf(name, sizeof name, "%d/mem", call->thread);
    return openat(supervisor->proc, name, flags | O_CLOEXEC);
}

// Some kernels and profiles have no process_vm_readv; the file does the same.
static ssize_t read_some(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address,
                         void *bytes, size_t size) {
    struct iovec here = {bytes, size}, there = {(void *)(uintptr_t)address, size};
    ssize_t count = (ssize_t)syscall(SYS_process_vm_readv, call->thread, &here, 1ul, &there, 1ul, 0ul);
    if (count >= 0 || (errno != EPERM && errno != ENOSYS)) return count;
    int memory = open_memory(supervisor, call, O_RDONLY);
    if (memory < 0) return -1;
    count = pread(memory, bytes, size, (off_t)address);
    sb_close(memory);
    return count;
}

int sb_read_memory(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address, void *bytes,
                   size_t size) {
    if (read_some(supervisor, call, address, bytes, size) == (ssize_t)size) return 0;
    errno = EFAULT;
    return -1;
}

// By the file, which writes also where the program itself may not.
int sb_write_memory(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address,
                    const void *bytes, size_t size) {
    int memory = open_memory(supervisor, call, O_RDWR);
    if (memory < 0) return -1;
    // The process may have ended while this one looked, and its number be another's.
    uint64_t id = call->id;
    int result = -1;
    if (ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0) {
        result = pwrite(memory, bytes, size, (off_t)address) == (ssize_t)size ? 0 : -1;
    }
    if (result != 0) errno = EFAULT;
    sb_close(memory);
    return result;
}

int sb_read_path(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address, char *path) {
    const size_t page = 4096;
    for (size_t length = 0; length < PATH_MAX;) {
        // What lies behind the page need not be there.
        size_t size = page - (address + length) % page;
        if (size > PATH_MAX - length) size = PATH_MAX - length;
        ssize_t count = read_some(supervisor, call, address + length, path + length, size);
        if (count <= 0) {
            errno = EFAULT;
            return -1;
        }
        if (memchr(path + length, 0, (size_t)count) != NULL) return 0;
        length += (size_t)count;
    }
    errno = ENAMETOOLONG;
    return -1;
}

pid_t sb_process_of(const struct sb_supervisor *supervisor, struct sb_call *call) {
    if (call->process != 0) return call->process;
    char name[SB_DIGITS + 8], text[1024];
    snprintf(name, sizeof name, "%d/status", call->thread);
    int file = openat(supervisor->proc, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length < 0 ? 0 : length] = 0;
    const char *line = strstr(text, "\nTgid:");
    call->process = line == NULL ? -1 : (pid_t)strtol(line + 6, NULL, 10);
    return call->process;
}

struct sb_answer sb_give_file(const struct sb_supervisor *supervisor, const struct sb_call *call, int file,
                              int closes_on_exec) {
    struct seccomp_notif_addfd addition = {
        .id = call->id, .srcfd = (uint32_t)file, .newfd_flags = closes_on_exec ? O_CLOEXEC : 0};
    int number = ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addition);
    int error = errno;
    close(file);
    return number < 0 ? SB_FAIL(error) : SB_RETURN(number);
}
