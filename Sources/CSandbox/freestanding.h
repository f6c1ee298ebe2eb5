#ifndef SB_FREESTANDING_H
#define SB_FREESTANDING_H

// What the programs of a few pages have in common that this program writes into memory: their code may call nothing.

#include "kernel.h"

#include <elf.h>

#if defined(__x86_64__) || defined(__aarch64__)

#define SB_INLINE static inline __attribute__((always_inline))

SB_INLINE long sb_call(long number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, long fifth,
                       uint64_t sixth) {
#if defined(__x86_64__)
    register uint64_t r10 __asm__("r10") = fourth;
    register long r8 __asm__("r8") = fifth;
    register uint64_t r9 __asm__("r9") = sixth;
    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return number;
#else
    register long x8 __asm__("x8") = number;
    register uint64_t x0 __asm__("x0") = first;
    register uint64_t x1 __asm__("x1") = second;
    register uint64_t x2 __asm__("x2") = third;
    register uint64_t x3 __asm__("x3") = fourth;
    register long x4 __asm__("x4") = fifth;
    register uint64_t x5 __asm__("x5") = sixth;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return (long)x0;
#endif
}

// The header of a program with so many parts, which are described at an offset.
static inline Elf64_Ehdr sb_program_header(uint64_t entry, size_t offset, uint16_t count) {
    return (Elf64_Ehdr) {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_EXEC,
#if defined(__x86_64__)
        .e_machine = EM_X86_64,
#else
        .e_machine = EM_AARCH64,
#endif
        .e_version = EV_CURRENT, .e_entry = entry, .e_phoff = offset, .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = count,
    };
}

#endif

#endif
