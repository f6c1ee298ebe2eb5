// Stops of traced processes.

#include "tracer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>

// A call that is under way with another path.
struct slot {
    pid_t thread; // 0 where there is none
    int has_load; // it executes a program
    int is_loading;
    struct sb_registers before;
};

static struct slot slots[SB_SLOT_COUNT];
// Only one program at a time is executed but for those that wait to be scheduled: kept whole.
static struct sb_load loads[SB_SLOT_COUNT];

static int get_registers(pid_t thread, struct sb_registers *registers) {
    struct iovec part = {&registers->own, sizeof registers->own};
    return ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &part) == 0 ? 0 : -1;
}

static int set_registers(pid_t thread, struct sb_registers *registers) {
    struct iovec part = {&registers->own, sizeof registers->own};
    return ptrace(PTRACE_SETREGSET, thread, (void *)NT_PRSTATUS, &part) == 0 ? 0 : -1;
}

static void go_on(pid_t thread, int how, int signal) { ptrace(how, thread, NULL, (void *)(long)signal); }

// Makes another call of the one that is about to be made.
static void set_number(pid_t thread, struct sb_registers *registers, int number) {
#if defined(__x86_64__)
    (void)thread;
    registers->own.orig_rax = (unsigned long long)(long long)number;
#else
    struct iovec part = {&number, sizeof number};
    registers->own.regs[8] = (unsigned long long)(long long)number;
    ptrace(PTRACE_SETREGSET, thread, (void *)0x404 /* NT_ARM_SYSTEM_CALL */, &part);
#endif
}

static void fail(pid_t thread, struct sb_registers *registers, int error) {
    set_number(thread, registers, -1);
#if defined(__x86_64__)
    registers->own.rax = (unsigned long long)(long long)-error;
#else
    registers->own.regs[0] = (unsigned long long)(long long)-error;
#endif
    set_registers(thread, registers);
    go_on(thread, PTRACE_CONT, 0);
}

static void release(struct slot *slot) {
    const int index = (int)(slot - slots);
    close(SB_FIRST_SLOT_FILE + index);
    if (slot->has_load) close(SB_FIRST_SLOT_FILE + SB_SLOT_COUNT + index);
    *slot = (struct slot){0};
}

static struct slot *slot_of(pid_t thread) {
    for (int index = 0; index < SB_SLOT_COUNT; index++) {
        if (slots[index].thread == thread) return &slots[index];
    }
    return NULL;
}

void sb_forget_thread(pid_t thread) {
    struct slot *slot = thread > 0 ? slot_of(thread) : NULL;
    if (slot != NULL) release(slot);
}

// Takes a place for the descriptors, and closes them otherwise.
static struct slot *take_slot(pid_t thread, int file, int other) {
    sb_forget_thread(thread);
    struct slot *slot = slot_of(0);
    if (slot != NULL) {
        const int index = (int)(slot - slots);
        dup3(file, SB_FIRST_SLOT_FILE + index, O_CLOEXEC);
        if (other >= 0) dup3(other, SB_FIRST_SLOT_FILE + SB_SLOT_COUNT + index, O_CLOEXEC);
        slot->thread = thread;
        slot->is_loading = 0;
    }
    sb_close(file);
    sb_close(other);
    return slot;
}

// Opens what the path of a call leads to, and gives the call the name of that.
static int replace_path(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_registers *registers,
                        int directory, unsigned argument, int follow, int is_directory) {
    static char path[PATH_MAX];
    struct stat status;
    const struct sb_registers before = *registers;
    if (sb_read_path(supervisor, call, call->arguments[argument], path) != 0) return -1;
    errno = ENOENT;
    int file = path[0] == 0 ? -1 : sb_open_named(supervisor, call, directory, path, follow);
    if (file < 0) return -1;
    if (is_directory && (fstatat(file, "", &status, AT_EMPTY_PATH) != 0 || !S_ISDIR(status.st_mode))) {
        close(file);
        errno = ENOTDIR;
        return -1;
    }
    struct slot *slot = take_slot(call->thread, file, -1);
    errno = EAGAIN;
    if (slot == NULL) return -1;
    slot->before = before;
    *sb_argument(registers, argument) = SB_SLOT_NAME(slot - slots) + offsetof(struct sb_slot_name, path);
    return 1;
}

// The address of a socket: 1 where it is another one now, 0 where it is none of files, -1 with errno.
static int replace_address(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_registers *registers,
                           unsigned argument) {
    struct sockaddr_un address = {0};
    char path[sizeof address.sun_path + 1];
    const uint64_t size = call->arguments[argument + 1], begin = offsetof(struct sockaddr_un, sun_path);
    const struct sb_registers before = *registers;
    if (call->arguments[argument] == 0 || size <= begin || size > sizeof address) return 0;
    if (sb_read_memory(supervisor, call, call->arguments[argument], &address, size) != 0) return 0;
    if (address.sun_family != AF_UNIX || address.sun_path[0] == 0) return 0;
    memcpy(path, address.sun_path, size - begin);
    path[size - begin] = 0;
    int file = sb_open_named(supervisor, call, AT_FDCWD, path, 1);
    if (file < 0) return -1;
    struct slot *slot = take_slot(call->thread, file, -1);
    errno = EAGAIN;
    if (slot == NULL) return -1;
    slot->before = before;
    *sb_argument(registers, argument) = SB_SLOT_NAME(slot - slots);
    *sb_argument(registers, argument + 1) = sizeof(struct sb_slot_name);
    return 1;
}

static int write_data(pid_t thread, size_t place, const void *bytes, size_t size) {
    char name[SB_DIGITS + 8];
    strcpy(sb_append_number(name, (unsigned)thread), "/mem");
    int memory = open(name, O_RDWR | O_CLOEXEC); // in /proc, which is the working directory
    if (memory < 0) return -1;
    int result = pwrite(memory, bytes, size, (off_t)(SB_LOADER_DATA + place)) == (ssize_t)size ? 0 : -1;
    sb_close(memory);
    return result;
}

// Binds a socket, or lets the process do it: with errno, which is 0 where it is done, or as above.
static int bind_socket(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_registers *registers) {
    char last[SB_LARGEST_ADDRESS];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int parent;
    struct sb_answer answer = sb_bind(supervisor, call, &parent, last);
    errno = answer.error;
    if (!answer.is_continued) return -1;
    if (parent < 0) return 0;
    struct slot *slot = take_slot(call->thread, parent, -1);
    errno = EAGAIN;
    if (slot == NULL) return -1;
    const int index = (int)(slot - slots);
    const size_t place = offsetof(struct sb_load, addresses) + (size_t)index * sizeof address;
    int length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/%d/fd/%d/%s", getpid(),
                          SB_FIRST_SLOT_FILE + index, last);
    if (length >= (int)sizeof address.sun_path || write_data(call->thread, place, &address, sizeof address) != 0) {
        release(slot);
        errno = ENAMETOOLONG;
        return -1;
    }
    *sb_argument(registers, 1) = SB_LOADER_DATA + place;
    *sb_argument(registers, 2) = sizeof address;
    return 1;
}

static int execute(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_registers *registers) {
    static struct sb_load load;
    int files[2];
    const struct sb_registers before = *registers;
    if (sb_prepare_load(supervisor, call, &load, files) != 0) return -1;
    struct slot *slot = take_slot(call->thread, files[0], files[1]);
    errno = EAGAIN;
    if (slot == NULL) return -1;
    slot->before = before;
    slot->has_load = 1;
    memcpy(&loads[slot - slots], &load, sizeof load);
    if (call->number == SYS_execveat) {
        *sb_argument(registers, 1) = call->arguments[2];
        *sb_argument(registers, 2) = call->arguments[3];
        set_number(call->thread, registers, SYS_execve);
    }
    *sb_argument(registers, 0) = SB_SLOT_NAME(SB_LOADER_SLOT) + offsetof(struct sb_slot_name, path);
    return 1;
}

static int open_place(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_registers *registers,
                      int directory, unsigned argument) {
    const uint64_t flags = call->arguments[argument + 1];
    int result = replace_path(supervisor, call, registers, directory, argument, !(flags & O_NOFOLLOW),
                              (flags & O_DIRECTORY) != 0);
    *sb_argument(registers, argument + 1) = flags & ~(uint64_t)(O_NOFOLLOW | O_DIRECTORY);
    return result;
}

static int replace(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_registers *registers) {
    const int directory = (int)call->arguments[0];
    switch (call->number) {
    case SYS_chdir: return replace_path(supervisor, call, registers, AT_FDCWD, 0, 1, 1);
#ifdef __x86_64__
    case SYS_open: return open_place(supervisor, call, registers, AT_FDCWD, 0);
#endif
    case SYS_openat: return open_place(supervisor, call, registers, directory, 1);
    case SYS_inotify_add_watch: {
        const uint64_t mask = call->arguments[2];
        *sb_argument(registers, 2) = mask & ~(uint64_t)IN_DONT_FOLLOW;
        return replace_path(supervisor, call, registers, AT_FDCWD, 1, !(mask & IN_DONT_FOLLOW),
                            (mask & IN_ONLYDIR) != 0);
    }
    case SYS_bind: return bind_socket(supervisor, call, registers);
    case SYS_connect: return replace_address(supervisor, call, registers, 1);
    case SYS_sendto: return replace_address(supervisor, call, registers, 4);
    case SYS_execve:
    case SYS_execveat: return execute(supervisor, call, registers);
    }
    return 0;
}

static void begin_call(struct sb_supervisor *supervisor, pid_t thread) {
    struct sb_registers registers;
    uint64_t arguments[6];
    if (get_registers(thread, &registers) != 0) return;
    const struct sb_registers before = registers;
    for (unsigned index = 0; index < 6; index++) arguments[index] = *sb_argument(&registers, index);
    struct sb_call call = {.thread = thread, .number = (int)sb_number(&registers), .arguments = arguments};
    int result = replace(supervisor, &call, &registers);
    if (result < 0) {
        const int error = errno;
        registers = before;
        fail(thread, &registers, error);
        return;
    }
    if (result > 0) {
        struct slot *slot = slot_of(thread);
        if (slot != NULL) slot->before = before;
        set_registers(thread, &registers);
    }
    go_on(thread, result > 0 ? PTRACE_SYSCALL : PTRACE_CONT, 0);
}

// The process has its arguments again, on which programs rely.
static void end_call(pid_t thread) {
    struct slot *slot = slot_of(thread);
    struct sb_registers registers;
    if (slot != NULL && !slot->is_loading) {
        if (get_registers(thread, &registers) == 0) {
            for (unsigned index = SB_FIRST_RESTORED; index < 6; index++) {
                *sb_argument(&registers, index) = *sb_argument(&slot->before, index);
            }
            set_registers(thread, &registers);
        }
        release(slot);
    }
    go_on(thread, PTRACE_CONT, 0);
}

// The loader is about to begin.
static void begin_program(pid_t process) {
    unsigned long former = 0;
    ptrace(PTRACE_GETEVENTMSG, process, NULL, &former);
    if ((pid_t)former != process) sb_forget_thread(process);
    struct slot *slot = slot_of((pid_t)former);
    if (slot == NULL || write_data(process, 0, &loads[slot - slots], offsetof(struct sb_load, addresses)) != 0) {
        kill(process, SIGKILL);
        return;
    }
    slot->thread = process;
    slot->is_loading = 1;
    go_on(process, PTRACE_CONT, 0);
}

int sb_answer_loader(const struct sb_supervisor *supervisor, struct sb_call *call, struct sb_answer *answer) {
    const int wanted = SB_LOADED_FILE - (int)call->arguments[0];
    if (call->number != SYS_openat || wanted < 0 || wanted > 1) return 0;
    struct slot *slot = slot_of(call->thread);
    *answer = SB_FAIL(EBADF);
    if (slot == NULL || !slot->is_loading) return 1;
    const int index = (int)(slot - slots);
    int file = fcntl(SB_FIRST_SLOT_FILE + wanted * SB_SLOT_COUNT + index, F_DUPFD_CLOEXEC, 3);
    if (file >= 0) *answer = sb_give_file(supervisor, call, file, 1);
    if (wanted == 1 || !loads[index].files[1].is_used) release(slot);
    return 1;
}

ssize_t sb_read_program_path(pid_t process, char path[PATH_MAX]) {
    struct iovec here = {path, PATH_MAX}, there = {(void *)SB_LOADER_DATA, PATH_MAX};
    if (syscall(SYS_process_vm_readv, process, &here, 1ul, &there, 1ul, 0ul) != PATH_MAX) return -1;
    path[PATH_MAX - 1] = 0;
    return (ssize_t)strlen(path);
}

int sb_trace(pid_t child) {
    const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    return ptrace(PTRACE_SEIZE, child, NULL, (void *)options) == 0 ? 0 : -1;
}

void sb_handle_stop(struct sb_supervisor *supervisor, pid_t thread, int status) {
    const int signal = WSTOPSIG(status), event = status >> 16;
    switch (event) {
    case PTRACE_EVENT_SECCOMP: begin_call(supervisor, thread); return;
    case PTRACE_EVENT_EXEC: begin_program(thread); return;
    case PTRACE_EVENT_STOP:
        // As the others of its group, it waits to be continued.
        if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
            go_on(thread, PTRACE_LISTEN, 0);
        } else go_on(thread, PTRACE_CONT, 0);
        return;
    case 0: break;
    default: go_on(thread, PTRACE_CONT, 0); return;
    }
    if (signal == (SIGTRAP | 0x80)) end_call(thread);
    else go_on(thread, PTRACE_CONT, signal);
}
