// The program that a traced process executes in the place of each other one: it loads that as the kernel would, but
// finds nothing by a path. The kernel would look for what interprets a program outside of the root.
//
// Its code is the section `sb_loader`, which must therefore call nothing, and use no constant in memory.

#include "freestanding.h"
#include "tracer.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#if defined(__x86_64__) || defined(__aarch64__)

struct image {
    Elf64_Ehdr header;
    Elf64_Phdr parts[4];
};

// Where the program begins, and the top of its stack.
struct begin {
    uint64_t stack, entry;
};

#define LOADER_CODE                                                                                                    \
    __attribute__((section("sb_loader"), no_stack_protector, disable_sanitizer_instrumentation,                        \
                   no_builtin("memset", "memcpy", "memmove")))

SB_INLINE void check(long result) {
    // Addresses are never the last page.
    while ((uint64_t)result > (uint64_t)-4096) sb_call(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

// Loads one file: what is added to its addresses.
SB_INLINE uint64_t load_file(const volatile struct sb_loaded *loaded, int file) {
    uint64_t base = 0;
    long opened = sb_call(SYS_openat, (uint64_t)(int64_t)(SB_LOADED_FILE - file), SB_LOADER_NAMES, O_RDONLY, 0, 0, 0);
    check(opened);
    if (loaded->is_movable) {
        long room =
            sb_call(SYS_mmap, loaded->hint, loaded->high - loaded->low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(room);
        base = (uint64_t)room - loaded->low;
    }
    for (uint64_t index = 0; index < loaded->part_count; index++) {
        const volatile struct sb_part *part = &loaded->parts[index];
        const uint64_t how = MAP_PRIVATE | MAP_FIXED, protection = part->protection;
        if (part->length > 0) {
            check(sb_call(SYS_mmap, base + part->address, part->length, protection, how, opened, part->offset));
        }
        for (uint64_t address = part->zero; address < part->zero_end; address++) {
            *(volatile char *)(base + address) = 0;
        }
        if (part->rest_end > part->rest) {
            check(sb_call(SYS_mmap, base + part->rest, part->rest_end - part->rest, protection, how | MAP_ANONYMOUS, -1,
                          0));
        }
    }
    sb_call(SYS_close, (uint64_t)opened, 0, 0, 0, 0, 0);
    return base;
}

static struct begin load_program(uint64_t *given) __asm__("sb_load_program");

// Makes the arguments, and what the kernel says of the program, those of the program.
LOADER_CODE __attribute__((noinline, used)) static struct begin load_program(uint64_t *given) {
    const volatile struct sb_load *load = (const volatile struct sb_load *)SB_LOADER_DATA;
    uint64_t base = load_file(&load->files[0], 0), entry = base + load->files[0].entry, interpreter = 0;
    if (load->files[1].is_used) {
        interpreter = load_file(&load->files[1], 1);
        entry = interpreter + load->files[1].entry;
    }
    sb_call(SYS_prctl, PR_SET_NAME, (uint64_t)&load->name, 0, 0, 0, 0);
    volatile uint64_t *stack = given, *end = stack + 1;
    while (*end++ != 0) continue;
    while (*end++ != 0) continue;
    for (; *end != AT_NULL; end += 2) {
        // No `switch`, whose table would be elsewhere.
        if (*end == AT_PHDR) end[1] = base + load->files[0].headers;
        if (*end == AT_PHENT) end[1] = load->header_size;
        if (*end == AT_PHNUM) end[1] = load->header_count;
        if (*end == AT_BASE) end[1] = interpreter + (load->files[1].is_used ? load->files[1].low : 0);
        if (*end == AT_ENTRY) end[1] = base + load->files[0].entry;
        if (*end == AT_EXECFN) end[1] = (uint64_t)&load->called;
    }
    end += 2;
    const uint64_t added = load->prefix_count, count = *stack;
    if (added == 0) return (struct begin){(uint64_t)stack, entry};
    // In the place of the first argument; the stack stays aligned to 16 bytes.
    volatile uint64_t *rest = stack + (count == 0 ? 1 : 2);
    const uint64_t length = (uint64_t)(end - rest);
    volatile uint64_t *moved = (volatile uint64_t *)(((uint64_t)end - 8 * (1 + added + length)) & ~(uint64_t)15);
    for (uint64_t index = 0; index < length; index++) moved[1 + added + index] = rest[index];
    for (uint64_t index = 0; index < added; index++) moved[1 + index] = load->prefix[index];
    moved[0] = added + count - (count == 0 ? 0 : 1);
    return (struct begin){(uint64_t)moved, entry};
}

// Below the part of the stack that may be moved down.
LOADER_CODE __attribute__((naked, noinline, used)) static void begin_loader(void) {
#if defined(__x86_64__)
    __asm__("mov %rsp, %rdi\n"
            "sub $4096, %rsp\n"
            "call sb_load_program\n"
            "mov %rax, %rsp\n"
            "mov %rdx, %rcx\n"
            "xor %edx, %edx\n"
            "xor %ebp, %ebp\n"
            "jmp *%rcx\n");
#else
    __asm__("mov x0, sp\n"
            "sub sp, sp, #4096\n"
            "bl sb_load_program\n"
            "mov sp, x0\n"
            "mov x9, x1\n"
            "mov x0, #0\n"
            "mov x1, #0\n"
            "br x9\n");
#endif
}

extern const char __start_sb_loader[], __stop_sb_loader[];

static Elf64_Phdr part_at(uint64_t address, uint64_t offset, uint64_t size, uint64_t room, unsigned flags) {
    return (Elf64_Phdr){.p_type = PT_LOAD,
                        .p_flags = flags,
                        .p_offset = offset,
                        .p_vaddr = address,
                        .p_filesz = size,
                        .p_memsz = room,
                        .p_align = SB_LOADER_PAGE};
}

static int write_names(int file) {
    const pid_t own = (pid_t)syscall(SYS_getpid);
    for (unsigned slot = 0; slot <= SB_LOADER_SLOT; slot++) {
        struct sb_slot_name name = {.family = AF_UNIX};
        const int number = slot == SB_LOADER_SLOT ? file : SB_FIRST_SLOT_FILE + (int)slot;
        snprintf(name.path, sizeof name.path, "/proc/%d/fd/%d", own, number);
        const off_t place = (off_t)(SB_SLOT_NAME(slot) - SB_LOADER_ADDRESS);
        if (pwrite(file, &name, sizeof name, place) != sizeof name) return -1;
    }
    return 0;
}

int sb_make_loader(void) {
    const size_t length = (size_t)(__stop_sb_loader - __start_sb_loader);
    const size_t names = sizeof(struct sb_slot_name) * (SB_LOADER_SLOT + 1);
    const struct image image = {
        .header = sb_program_header(SB_LOADER_ADDRESS + sizeof image +
                                        (size_t)((const char *)begin_loader - __start_sb_loader),
                                    offsetof(struct image, parts), 4),
        .parts = {part_at(SB_LOADER_ADDRESS, 0, sizeof image + length, sizeof image + length, PF_R | PF_X),
                  part_at(SB_LOADER_NAMES, SB_LOADER_PAGE, names, names, PF_R),
                  part_at(SB_LOADER_DATA, 2 * SB_LOADER_PAGE, 0, sizeof(struct sb_load), PF_R | PF_W),
                  {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W}},
    };
    // Linux 6.3 has the flag for programs, which a machine may demand.
    int file = (int)syscall(SYS_memfd_create, "swiftbuild-loader", MFD_CLOEXEC | 0x10u);
    if (file < 0 && errno == EINVAL) {
        file = (int)syscall(SYS_memfd_create, "swiftbuild-loader", MFD_CLOEXEC);
    }
    if (file < 0) return -1;
    const int own = fcntl(file, F_DUPFD_CLOEXEC, SB_FIRST_SLOT_FILE + 2 * SB_SLOT_COUNT);
    close(file);
    if (own < 0) return -1;
    // Not open for writing while it is executed.
    char name[14 + SB_DIGITS] = "/proc/self/fd/";
    sb_append_number(name + 14, (unsigned)own);
    if (ftruncate(own, 3 * SB_LOADER_PAGE) == 0 && pwrite(own, &image, sizeof image, 0) == sizeof image &&
        pwrite(own, __start_sb_loader, length, sizeof image) == (ssize_t)length && write_names(own) == 0) {
        int readable = open(name, O_RDONLY | O_CLOEXEC);
        if (readable >= 0 && dup3(readable, own, O_CLOEXEC) == own) {
            close(readable);
            return own;
        }
        sb_close(readable);
    }
    sb_close(own);
    return -1;
}

int sb_map_loader(int file) {
    void *names = mmap((void *)SB_LOADER_NAMES, SB_LOADER_PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, file,
                       SB_LOADER_PAGE);
    return names == (void *)SB_LOADER_NAMES ? 0 : -1;
}

#else

int sb_make_loader(void) {
    errno = ENOSYS;
    return -1;
}

int sb_map_loader(int file) {
    (void)file;
    errno = ENOSYS;
    return -1;
}

#endif
