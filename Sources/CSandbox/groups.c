// The control group that decides which device files work inside.
//
// A process with CAP_MKNOD, which Docker's set includes, can make the file of any device: the machine's disks, too. In
// this group it can open only those that no program can do without. Where there can be no such group, the filesystems
// of a sandbox are `nodev` instead.

#include "child.h"

#include <linux/bpf.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pid_t owner;
static int group = -1, parent = -1; // directories of the hierarchy
static char name[64];

// Its versions do not agree about braces in macros.
// clang-format off
#define LOAD(register, offset)                                                                                         \
    {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = register, .src_reg = BPF_REG_1, .off = offset}
#define UNLESS(register, value, skipped)                                                                               \
    {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = register, .imm = value, .off = skipped}
#define IF(register, value, skipped)                                                                                   \
    {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = register, .imm = value, .off = skipped}
#define RETURN(value)                                                                                                  \
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value}, {.code = BPF_JMP | BPF_EXIT}
// clang-format on

// 1 for what is allowed: making any file, and using null, zero, full, random, urandom, tty, ptmx and terminals.
static const struct bpf_insn program[] = {
    LOAD(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type)),
    LOAD(BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, major)),
    LOAD(BPF_REG_5, offsetof(struct bpf_cgroup_dev_ctx, minor)),
    {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_2},
    {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_3, .imm = 16},
    {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_2, .imm = 0xFFFF},
    IF(BPF_REG_3, BPF_DEVCG_ACC_MKNOD, 13),
    UNLESS(BPF_REG_2, BPF_DEVCG_DEV_CHAR, 10),
    IF(BPF_REG_4, 136, 11), // pts
    UNLESS(BPF_REG_4, 1, 5),
    IF(BPF_REG_5, 3, 9),
    IF(BPF_REG_5, 5, 8),
    IF(BPF_REG_5, 7, 7),
    IF(BPF_REG_5, 8, 6),
    IF(BPF_REG_5, 9, 5),
    UNLESS(BPF_REG_4, 5, 2),
    IF(BPF_REG_5, 0, 3),
    IF(BPF_REG_5, 2, 2),
    RETURN(0),
    RETURN(1),
};

// What a rule allows, after the loads of `program`: the access is in register 3, kind and numbers in 2, 4 and 5.
static size_t append_rule(const struct sb_device_rule *rule, struct bpf_insn *end) {
    const struct bpf_insn allowed[] = {RETURN(1)};
    const int kind = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    struct bpf_insn *const start = end;
    // Where it does not apply, everything up to the next one is skipped; how much that is, is set at the end.
    *end++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_3};
    *end++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_6, .imm = ~(int)rule->access};
    *end++ = (struct bpf_insn)UNLESS(BPF_REG_6, 0, 0);
    if (rule->type != 'a') *end++ = (struct bpf_insn)UNLESS(BPF_REG_2, kind, 0);
    if (rule->major >= 0) *end++ = (struct bpf_insn)UNLESS(BPF_REG_4, (int)rule->major, 0);
    if (rule->minor >= 0) *end++ = (struct bpf_insn)UNLESS(BPF_REG_5, (int)rule->minor, 0);
    memcpy(end, allowed, sizeof allowed);
    end += sizeof allowed / sizeof allowed[0];
    for (struct bpf_insn *current = start + 2; current < end - 2; current++) {
        current->off = (short)(end - current - 1);
    }
    return (size_t)(end - start);
}

#define LOADS 6 // of `program`, before it decides anything
#define RULE_LIMIT 200
#define RULE_LENGTH 8

static int load_program(const struct sb_device_rule *rules, size_t count) {
    struct bpf_insn whole[sizeof program / sizeof program[0] + RULE_LIMIT * RULE_LENGTH];
    if (count > RULE_LIMIT) {
        errno = E2BIG;
        return -1;
    }
    size_t length = LOADS;
    memcpy(whole, program, LOADS * sizeof program[0]);
    for (size_t index = 0; index < count; index++) length += append_rule(&rules[index], whole + length);
    memcpy(whole + length, program + LOADS, sizeof program - LOADS * sizeof program[0]);
    length += sizeof program / sizeof program[0] - LOADS;
    static const char license[] = "Apache-2.0";
    union bpf_attr request;
    memset(&request, 0, sizeof request);
    request.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    request.insns = (uint64_t)(uintptr_t)whole;
    request.insn_cnt = (uint32_t)length;
    request.license = (uint64_t)(uintptr_t)license;
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &request, sizeof request);
}

int sb_limit_devices(int directory, const struct sb_device_rule *rules, size_t count) {
    int loaded = load_program(rules, count);
    if (loaded < 0) return -1;
    union bpf_attr request;
    memset(&request, 0, sizeof request);
    request.attach_type = BPF_CGROUP_DEVICE;
    request.target_fd = (uint32_t)directory;
    request.attach_bpf_fd = (uint32_t)loaded;
    request.attach_flags = BPF_F_ALLOW_MULTI; // those of the groups above hold as well
    int result = (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &request, sizeof request);
    sb_close(loaded);
    return result;
}

// Opens the hierarchy of version 2, which is beside others where there are still some of version 1.
static int open_hierarchy(void) {
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t index = 0; index < sizeof places / sizeof places[0]; index++) {
        struct statfs filesystem;
        int directory = open(places[index], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) continue;
        if (fstatfs(directory, &filesystem) == 0 && filesystem.f_type == CGROUP2_SUPER_MAGIC) return directory;
        close(directory);
    }
    return -1;
}

// Opens the group that this process is in.
static int open_own(void) {
    char text[8192];
    int file = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length < 0) return -1;
    text[length] = 0;
    char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
    if (line == NULL) return -1;
    char *path = strchr(line, '/') + 1;
    path[strcspn(path, "\n")] = 0;
    int hierarchy = open_hierarchy();
    if (hierarchy < 0 || *path == 0) return hierarchy;
    int own = openat(hierarchy, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(hierarchy);
    return own;
}

static void make(void) {
    parent = open_own();
    if (parent < 0) return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof name, "swiftbuild-%d-%lld", getpid(), (long long)now.tv_sec * 1000000000 + now.tv_nsec);
    if (mkdirat(parent, name, 0755) == 0) {
        group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (group >= 0 && sb_limit_devices(group, NULL, 0) == 0) return;
        unlinkat(parent, name, AT_REMOVEDIR);
    }
    if (group >= 0) close(group);
    close(parent);
    group = parent = -1;
}

int sb_device_group(void) {
    pthread_mutex_lock(&mutex);
    if (owner != getpid()) {
        owner = getpid();
        group = parent = -1;
        if (geteuid() == 0 && !sb_is_below_user_namespace()) make();
    }
    int result = group;
    pthread_mutex_unlock(&mutex);
    return result;
}

void sb_device_group_is_unusable(void) {
    pthread_mutex_lock(&mutex);
    group = -1;
    pthread_mutex_unlock(&mutex);
}

int sb_device_group_parent(void) { return parent; }

void sb_device_group_remove(int directory) {
    if (directory < 0) return;
    // What was in it has been killed, and may take a moment to be gone.
    for (int attempt = 0; attempt < 1000; attempt++) {
        if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno != EBUSY) return;
        poll(NULL, 0, 5);
    }
}
