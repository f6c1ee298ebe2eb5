// Who the process is: user namespace, capabilities, groups, user.

#include "child.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    size_t length = strlen(text);
    int result = write(file, text, length) == (ssize_t)length ? 0 : -1;
    sb_close(file);
    return result;
}

// One user and one group, the caller's, under the numbers that the program is to have: all that the kernel allows an
// ordinary user without subordinate ranges. Groups must be denied first (user_namespaces(7)).
int sb_map_identity(const struct sb_child *child) {
    // A program that has changed its user does not own its files in /proc until it says so.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    // A namespace that was there before has been given its users by the first program in it.
    int map = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    char ignored;
    int is_mapped = map >= 0 && read(map, &ignored, 1) == 1;
    sb_close(map);
    if (is_mapped) return 0;
    if (write_file("/proc/self/uid_map", child->user_map) != 0) return -1;
    if (write_file("/proc/self/setgroups", "deny") != 0) return -1;
    return write_file("/proc/self/gid_map", child->group_map);
}

// What a program has whatever the caller's limits are: those of systemd and of today's Docker, and the kernel's own.
// No core is dumped: it would be in the layer.
static const struct {
    int resource;
    uint64_t soft;
    uint64_t hard;
} usual_limits[] = {
    {RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
    {RLIMIT_CORE, 0, RLIM_INFINITY},
    {RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_NOFILE, 1024, 512 << 10},
    {RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_MEMLOCK, 8 << 20, 8 << 20},
    {RLIMIT_MSGQUEUE, 819200, 819200},
    {RLIMIT_NICE, 0, 0},
    {RLIMIT_RTPRIO, 0, 0},
    {RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY},
};

static int set_limit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit values = {.rlim_cur = soft, .rlim_max = hard};
    return (int)syscall(SYS_prlimit64, 0, resource, &values, NULL);
}

// An ordinary user cannot have more than the caller has.
static int set_usual_limit(int resource, uint64_t soft, uint64_t hard) {
    if (set_limit(resource, soft, hard) == 0) return 0;
    struct rlimit current;
    if (errno != EPERM || syscall(SYS_prlimit64, 0, resource, NULL, &current) != 0) return -1;
    if (hard > current.rlim_max) hard = current.rlim_max;
    return set_limit(resource, soft < hard ? soft : hard, hard);
}

int sb_set_limits(struct sb_child *child) {
    child->position.index = -1;
    for (size_t index = 0; index < sizeof usual_limits / sizeof usual_limits[0]; index++) {
        if (set_usual_limit(usual_limits[index].resource, usual_limits[index].soft, usual_limits[index].hard) != 0) {
            return -1;
        }
    }
    for (size_t index = 0; index < child->configuration->limit_count; index++) {
        const struct sb_limit *limit = &child->configuration->limits[index];
        child->position.index = (int)index;
        if (set_limit(limit->resource, limit->soft, limit->hard) != 0) return -1;
    }
    return 0;
}

// Takes every capability outside the configured set out of the bounding set, so that execve cannot give it back.
int sb_drop_capabilities(const struct sb_child *child) {
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (child->configuration->capabilities >> capability & 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) break; // after the last one the kernel knows
        // A caller without CAP_SETPCAP is in a container that was limited before.
        if (errno != EPERM || sb_has_namespaces(child->configuration)) return -1;
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // The caller's keys are not the program's; a kernel without keys has none to hide.
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
    return 0;
}

#define ALL_CAPABILITIES (~(uint64_t)0)

// Leaves what is allowed of what there is; what was taken from the effective set only is given back.
static int limit_capabilities(uint64_t allowed) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    for (int half = 0; half < 2; half++) {
        data[half].permitted &= (uint32_t)(allowed >> (32 * half));
        data[half].effective = data[half].permitted;
        data[half].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, data);
}

// The capabilities stay until the filter is installed, which takes CAP_SYS_ADMIN.
int sb_become_user(const struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    // Without a namespace the only user is who this process is.
    if (configuration->isolation == SB_ISOLATION_TRACED) return 0;
    const int emulates = sb_emulates_users(configuration);
    const uint32_t group = emulates ? 0 : configuration->group, user = emulates ? 0 : configuration->user;
    if (configuration->isolation != SB_ISOLATION_SINGLE_USER) {
        if (syscall(SYS_setgroups, configuration->group_count, configuration->groups) != 0) return -1;
    }
    if (syscall(SYS_setresgid, group, group, group) != 0) return -1;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return -1;
    if (syscall(SYS_setresuid, user, user, user) != 0) return -1;
    return limit_capabilities(ALL_CAPABILITIES);
}

static int install_filter(const struct sb_configuration *configuration) {
    if (configuration->filter == NULL) return 0;
    struct sock_fprog program = {
        .len = (unsigned short)configuration->filter_length,
        .filter = (struct sock_filter *)(uintptr_t)configuration->filter,
    };
    // Kernels that slow a filtered process down against side channels need not (runc): it shares nothing with others
    // that they could protect.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0) return 0;
    if (errno == EINVAL && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return 0;
    // Without namespaces this program may itself be in a container, whose filter it then has.
    return !sb_has_namespaces(configuration) && errno == EACCES ? 0 : -1;
}

// Not before: set-user-ID programs keep their effect, so the filter cannot rely on no_new_privs (runc).
int sb_filter_calls(const struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    // First: the filter may forbid the call by which this is found out.
    const int is_root = configuration->user == 0 || sb_emulates_users(configuration);
    if (configuration->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    if (install_filter(configuration) != 0) return -1;
    // As the kernel does when a process becomes a user other than root.
    uint64_t allowed = is_root ? configuration->capabilities : 0;
    return limit_capabilities(allowed);
}
