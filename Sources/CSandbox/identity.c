// Who the process is: user namespace, capabilities, groups, user.

#include "child.h"

#include <linux/capability.h>
#include <linux/keyctl.h>
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
    if (write_file("/proc/self/uid_map", child->user_map) != 0) return -1;
    if (write_file("/proc/self/setgroups", "deny") != 0) return -1;
    return write_file("/proc/self/gid_map", child->group_map);
}

int sb_set_limits(struct sb_child *child) {
    for (size_t index = 0; index < child->configuration->limit_count; index++) {
        const struct sb_limit *limit = &child->configuration->limits[index];
        struct rlimit values = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
        child->position.index = (int)index;
        if (syscall(SYS_prlimit64, 0, limit->resource, &values, NULL) != 0) return -1;
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
        if (errno != EPERM || child->configuration->isolation != SB_ISOLATION_CHROOT) return -1;
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // The caller's keys are not the program's; a kernel without keys has none to hide.
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
    return 0;
}

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

int sb_become_user(const struct sb_child *child) {
    const struct sb_configuration *configuration = child->configuration;
    const uint32_t group = configuration->group, user = configuration->user;
    if (configuration->isolation != SB_ISOLATION_USER_NAMESPACE) {
        if (syscall(SYS_setgroups, configuration->group_count, configuration->groups) != 0) return -1;
    }
    if (syscall(SYS_setresgid, group, group, group) != 0) return -1;
    if (syscall(SYS_setresuid, user, user, user) != 0) return -1;
    if (limit_capabilities(configuration->capabilities) != 0) return -1;
    return configuration->no_new_privileges ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}
