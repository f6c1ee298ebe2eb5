// Process 1 of a container that has an init: it hands signals on to the program, and collects what nobody waits for.
//
// It is a program of its own, of one page, that is written into a filesystem in memory: in a copy of this program's
// memory, and as a link to its file in /proc, a privileged process inside could read and change what is the machine's
// (CVE-2019-5736). Its code is the section `sb_init`, which must therefore call nothing, and use no constant in memory.

#include "child.h"
#include "freestanding.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#if defined(__x86_64__) || defined(__aarch64__)

#define BASE 0x400000ul

struct image {
    Elf64_Ehdr header;
    Elf64_Phdr code;
    Elf64_Phdr stack;
};

#if defined(__x86_64__)
#define ALIGNS_STACK force_align_arg_pointer,
#else
#define ALIGNS_STACK
#endif

// Where the program begins. Signals are blocked, so that also those without a handler reach process 1.
__attribute__((section("sb_init"), noinline, ALIGNS_STACK no_stack_protector,
               disable_sanitizer_instrumentation)) static _Noreturn void
run_init(void) {
    // The address at which nothing is loaded says which process the program is.
    const long program = (long)*(volatile const Elf64_Addr *)(BASE + offsetof(struct image, code.p_paddr));
    volatile uint64_t name = 0x74696e69, all = ~(uint64_t)0; // `init`
    volatile int status = 0;
    sb_call(SYS_prctl, PR_SET_NAME, (uint64_t)&name, 0, 0, 0, 0);
    for (;;) {
        long ended = sb_call(SYS_wait4, (uint64_t)-1, (uint64_t)&status, (uint64_t)WNOHANG | __WALL, 0, 0, 0);
        if (ended == program) {
            int code = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
            for (;;) sb_call(SYS_exit_group, code, 0, 0, 0, 0, 0);
        }
        if (ended > 0) continue;
        long signal = sb_call(SYS_rt_sigtimedwait, (uint64_t)&all, 0, 0, 8, 0, 0);
        if (signal > 0 && signal != SIGCHLD) sb_call(SYS_kill, program, signal, 0, 0, 0, 0);
    }
}

extern const char __start_sb_init[], __stop_sb_init[];

int sb_open_init(const struct sb_child *child, pid_t program) {
    const size_t length = (size_t)(__stop_sb_init - __start_sb_init);
    const struct image image = {
        .header = sb_program_header(BASE + sizeof image + (size_t)((const char *)run_init - __start_sb_init),
                                    offsetof(struct image, code), 2),
        .code =
            {
                .p_type = PT_LOAD,
                .p_flags = PF_R | PF_X,
                .p_vaddr = BASE,
                .p_paddr = (Elf64_Addr)program,
                .p_filesz = sizeof image + length,
                .p_memsz = sizeof image + length,
                .p_align = 0x10000,
            },
        .stack = {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
    };
    int file = openat(child->nodes, "init", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    if (file < 0) return -1;
    int is_written =
        write(file, &image, sizeof image) == sizeof image && write(file, __start_sb_init, length) == (ssize_t)length;
    sb_close(file);
    return is_written ? openat(child->nodes, "init", O_RDONLY | O_CLOEXEC) : -1;
}

#else

int sb_open_init(const struct sb_child *child, pid_t program) {
    (void)child, (void)program;
    errno = ENOSYS;
    return -1;
}

#endif

int sb_execute_init(const struct sb_child *child, int file) {
    const struct sb_configuration *configuration = child->configuration;
    return (int)syscall(SYS_execveat, file, "", configuration->init_arguments, configuration->environment,
                        AT_EMPTY_PATH);
}
