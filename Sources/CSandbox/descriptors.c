// What a new process closes of what the program has open.

#include "child.h"

void sb_close_all_but(const int *kept, size_t count, unsigned next) {
    for (;;) {
        unsigned first = ~0u;
        for (size_t index = 0; index < count; index++) {
            if (kept[index] >= 0 && (unsigned)kept[index] >= next && (unsigned)kept[index] < first) {
                first = (unsigned)kept[index];
            }
        }
        if (first > next) syscall(SYS_close_range, next, first == ~0u ? first : first - 1, 0);
        if (first == ~0u) return;
        next = first + 1;
    }
}
