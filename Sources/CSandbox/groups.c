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

#define LOAD(register, offset)                                                                                         \
    {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = register, .src_reg = BPF_REG_1, .off = offset}
#define UNLESS(register, value, skipped)                                                                               \
    {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = register, .imm = value, .off = skipped}
#define IF(register, value, skipped)                                                                                   \
    {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = register, .imm = value, .off = skipped}
#define RETURN(value)                                                                                                  \
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value}, { .code = BPF_JMP | BPF_EXIT }

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

static int load_program(void) {
    static const char license[] = "Apache-2.0";
    union bpf_attr request;
    memset(&request, 0, sizeof request);
    request.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    request.insns = (uint64_t)(uintptr_t)program;
    request.insn_cnt = sizeof program / sizeof program[0];
    request.license = (uint64_t)(uintptr_t)license;
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &request, sizeof request);
}

static int attach_program(int directory) {
    int loaded = load_program();
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

int sb_limit_devices(int control_group) { return attach_program(control_group); }

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
        if (group >= 0 && attach_program(group) == 0) return;
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
        if (geteuid() == 0) make();
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
