#ifndef SB_TRACER_H
#define SB_TRACER_H

#include "supervise.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>

// Processes that see another root by their supervisor, which traces them. Most calls it does itself (perform.c); those
// that only the process can do stop it, and get another path: that of a descriptor of the supervisor's. Each such path
// is in memory that all these processes have at the same address, since each begins in a program of ours that loads its
// own (loader.c). So nothing is written to where a program may have something.

// Above what the kernel loads programs at, and in a part of memory that sanitizers take for programs.
#if defined(__x86_64__)
#define SB_LOADER_ADDRESS 0x567000000000ul
#else
#define SB_LOADER_ADDRESS 0x5670000000ul
#endif
#define SB_LOADER_PAGE 0x10000ul // the largest page that there is
#define SB_LOADER_NAMES (SB_LOADER_ADDRESS + SB_LOADER_PAGE)
#define SB_LOADER_DATA (SB_LOADER_NAMES + SB_LOADER_PAGE)
#define SB_LOADER_LINK "/memfd:swiftbuild-loader"

// Calls that are under way with another path, each with one or two descriptors of a number of its own.
#define SB_SLOT_COUNT 128
#define SB_FIRST_SLOT_FILE 200
// A descriptor that a loader asks the supervisor for: the program, and what interprets it.
#define SB_LOADED_FILE (-100000)

// The name of what a slot has open, also as the address of a socket.
struct sb_slot_name {
    uint16_t family;
    char path[62];
};
#define SB_SLOT_NAME(slot) (SB_LOADER_NAMES + (uint64_t)(slot) * sizeof(struct sb_slot_name))

// What the loader is to do; the path of the program stays where it is.
#define SB_LARGEST_PART_COUNT 16
#define SB_LARGEST_PREFIX_COUNT 16
struct sb_part {
    uint64_t address, length, offset, protection; // of the file, if any
    uint64_t zero, zero_end;                      // what follows in its last page
    uint64_t rest, rest_end;                      // pages without a file
};

struct sb_loaded {
    uint64_t is_used;
    uint64_t is_movable; // its addresses are relative to where there is room, for which `hint` is asked
    uint64_t hint, low, high;
    uint64_t entry, headers;
    uint64_t part_count;
    struct sb_part parts[SB_LARGEST_PART_COUNT];
};

struct sb_load {
    char path[PATH_MAX]; // the program's, inside the root
    char called[PATH_MAX];
    char name[16];
    uint64_t header_size, header_count;
    struct sb_loaded files[2];
    uint64_t prefix_count;
    uint64_t prefix[SB_LARGEST_PREFIX_COUNT]; // addresses in `text`, in the place of the first argument
    char text[PATH_MAX + 3072];
    struct sockaddr_un addresses[SB_SLOT_COUNT]; // that sockets are bound to
};

#if defined(__x86_64__)
struct sb_registers {
    struct user_regs_struct own;
};
static inline unsigned long long *sb_argument(struct sb_registers *registers, unsigned index) {
    unsigned long long *const arguments[] = {&registers->own.rdi, &registers->own.rsi, &registers->own.rdx,
                                             &registers->own.r10, &registers->own.r8,  &registers->own.r9};
    return arguments[index];
}
static inline long sb_number(const struct sb_registers *registers) { return (long)registers->own.orig_rax; }
#define SB_FIRST_RESTORED 0
#else
struct sb_registers {
    struct user_regs_struct own;
};
static inline unsigned long long *sb_argument(struct sb_registers *registers, unsigned index) {
    return &registers->own.regs[index];
}
static inline long sb_number(const struct sb_registers *registers) { return (long)registers->own.regs[8]; }
#define SB_FIRST_RESTORED 1 // the first one is the result
#endif

// loader.c: the program as a file in memory, whose names are those of this process's descriptors.
int sb_make_loader(void);
// loader.c: lets this process execute it, by the name of its own descriptor.
int sb_map_loader(int file);
// loader.c: the number of the slot whose name is that of the loader.
#define SB_LOADER_SLOT (2 * SB_SLOT_COUNT)

// program.c: finds out how a program is loaded, and opens its files: 0, or -1 with errno.
int sb_prepare_load(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_load *load, int files[2]);

// tracer.c: begins to trace a child.
int sb_trace(pid_t child);
// tracer.c: goes on after a stop of a traced process.
void sb_handle_stop(struct sb_supervisor *supervisor, pid_t thread, int status);
// tracer.c: a process that has ended needs nothing any more.
void sb_forget_thread(pid_t thread);
// tracer.c: what its loader asks for, if the call is that.
int sb_answer_loader(const struct sb_supervisor *supervisor, struct sb_call *call, struct sb_answer *answer);
// tracer.c: the path of the program that a process executes; its length, or -1.
ssize_t sb_read_program_path(pid_t process, char path[PATH_MAX]);

#endif
