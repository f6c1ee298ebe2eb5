// Who the processes are of a program in a user namespace with one user: each is whom it has become.

#include "supervise.h"

#include <string.h>

// The first of the table is whom the program begins as.
#define LARGEST_IDENTITY_COUNT 512
static struct sb_identity identities[LARGEST_IDENTITY_COUNT];
static unsigned identity_count;

static unsigned number_of(const struct sb_identity *identity) {
    for (unsigned number = 0; number < identity_count; number++) {
        if (memcmp(&identities[number], identity, sizeof *identity) == 0) return number;
    }
    if (identity_count == LARGEST_IDENTITY_COUNT) return LARGEST_IDENTITY_COUNT;
    identities[identity_count] = *identity;
    return identity_count++;
}

struct sb_identity sb_current_identity(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    struct rlimit limit;
    if (identity_count == 0) {
        const struct sb_configuration *configuration = supervisor->configuration;
        struct sb_identity first = {0};
        for (int index = 0; index < 3; index++) {
            first.users[index] = configuration->user;
            first.groups[index] = configuration->group;
        }
        while (first.count < configuration->group_count && first.count < SB_LARGEST_GROUP_COUNT) {
            first.others[first.count] = configuration->groups[first.count];
            first.count++;
        }
        number_of(&first);
    }
    // Nobody has become anybody else.
    if (identity_count == 1) return identities[0];
    if (syscall(SYS_prlimit64, call->thread, SB_IDENTITY_LIMIT, NULL, &limit) != 0) return identities[0];
    return identities[limit.rlim_cur < identity_count ? limit.rlim_cur : 0];
}

static struct sb_answer become(const struct sb_call *call, const struct sb_identity *identity) {
    unsigned number = number_of(identity);
    struct rlimit limit = {.rlim_cur = number, .rlim_max = RLIM_INFINITY};
    if (number == LARGEST_IDENTITY_COUNT) return SB_FAIL(EAGAIN);
    if (syscall(SYS_prlimit64, call->thread, SB_IDENTITY_LIMIT, &limit, NULL) != 0) return SB_FAIL(errno);
    return SB_RETURN(0);
}

static int is_one_of(const uint32_t *ids, uint32_t id) { return id == ids[0] || id == ids[1] || id == ids[2]; }

// setuid(2), setreuid(2), setresuid(2), and the same for groups.
static struct sb_answer change_ids(struct sb_identity *identity, const struct sb_call *call, int is_user) {
    uint32_t *ids = is_user ? identity->users : identity->groups;
    const int is_root = identity->users[1] == 0;
    const uint32_t first = (uint32_t)call->arguments[0], second = (uint32_t)call->arguments[1];
    uint32_t wanted[] = {SB_UNCHANGED, SB_UNCHANGED, SB_UNCHANGED};
    switch (call->number) {
    case SYS_setuid:
    case SYS_setgid:
        if (first == SB_UNCHANGED) return SB_FAIL(EINVAL);
        wanted[1] = first;
        if (is_root) wanted[0] = wanted[2] = first;
        break;
    case SYS_setreuid:
    case SYS_setregid:
        wanted[0] = first;
        wanted[1] = second;
        if (first != SB_UNCHANGED || (second != SB_UNCHANGED && second != ids[0])) {
            wanted[2] = second != SB_UNCHANGED ? second : ids[1];
        }
        break;
    default:
        for (int index = 0; index < 3; index++) wanted[index] = (uint32_t)call->arguments[index];
    }
    for (int index = 0; index < 3; index++) {
        if (wanted[index] != SB_UNCHANGED && !is_root && !is_one_of(ids, wanted[index])) return SB_FAIL(EPERM);
    }
    for (int index = 0; index < 3; index++) {
        if (wanted[index] != SB_UNCHANGED) ids[index] = wanted[index];
    }
    return become(call, identity);
}

static struct sb_answer change_groups(const struct sb_supervisor *supervisor, struct sb_identity *identity,
                                      const struct sb_call *call) {
    const uint64_t count = call->arguments[0];
    if (identity->users[1] != 0) return SB_FAIL(EPERM);
    if (count > SB_LARGEST_GROUP_COUNT) return SB_FAIL(EINVAL);
    memset(identity->others, 0, sizeof identity->others);
    identity->count = (uint32_t)count;
    size_t size = count * sizeof(uint32_t);
    if (size > 0 && sb_read_memory(supervisor, call, call->arguments[1], identity->others, size) != 0) {
        return SB_FAIL(EFAULT);
    }
    return become(call, identity);
}

static struct sb_answer tell_groups(const struct sb_supervisor *supervisor, const struct sb_identity *identity,
                                    const struct sb_call *call) {
    const size_t size = identity->count * sizeof(uint32_t);
    if ((int)call->arguments[0] == 0) return SB_RETURN(identity->count);
    if ((uint32_t)call->arguments[0] < identity->count) return SB_FAIL(EINVAL);
    int result = size == 0 ? 0 : sb_write_memory(supervisor, call, call->arguments[1], identity->others, size);
    return result == 0 ? SB_RETURN(identity->count) : SB_FAIL(EFAULT);
}

static struct sb_answer tell_three(const struct sb_supervisor *supervisor, const uint32_t *ids,
                                   const struct sb_call *call) {
    for (int index = 0; index < 3; index++) {
        if (sb_write_memory(supervisor, call, call->arguments[index], &ids[index], sizeof ids[index]) != 0) {
            return SB_FAIL(EFAULT);
        }
    }
    return SB_RETURN(0);
}

// pam_limits gives a session the limits that it finds in the first process.
static struct sb_answer tell_limit(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    const uint64_t address = call->number == SYS_prlimit64 ? call->arguments[3] : 0;
    int result = address == 0 ? 0 : sb_write_memory(supervisor, call, address, &none, sizeof none);
    return result == 0 ? SB_RETURN(0) : SB_FAIL(EFAULT);
}

// Without the identity, which takes a call to find.
static int is_about_users(int number) {
    switch (number) {
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
    case SYS_getresuid:
    case SYS_getresgid:
    case SYS_getgroups:
    case SYS_setuid:
    case SYS_setreuid:
    case SYS_setresuid:
    case SYS_setgid:
    case SYS_setregid:
    case SYS_setresgid:
    case SYS_setgroups:
    case SYS_setrlimit:
    case SYS_prlimit64:
    case SYS_setfsuid:
    case SYS_setfsgid: return 1;
    }
    return 0;
}

int sb_answer_about_users(const struct sb_supervisor *supervisor, const struct sb_call *call,
                          struct sb_answer *answer) {
    if (!is_about_users(call->number)) return 0;
    struct sb_identity identity = sb_current_identity(supervisor, call);
    switch (call->number) {
    case SYS_getuid: *answer = SB_RETURN(identity.users[0]); return 1;
    case SYS_geteuid: *answer = SB_RETURN(identity.users[1]); return 1;
    case SYS_getgid: *answer = SB_RETURN(identity.groups[0]); return 1;
    case SYS_getegid: *answer = SB_RETURN(identity.groups[1]); return 1;
    case SYS_getresuid: *answer = tell_three(supervisor, identity.users, call); return 1;
    case SYS_getresgid: *answer = tell_three(supervisor, identity.groups, call); return 1;
    case SYS_getgroups: *answer = tell_groups(supervisor, &identity, call); return 1;
    case SYS_setuid:
    case SYS_setreuid:
    case SYS_setresuid: *answer = change_ids(&identity, call, 1); return 1;
    case SYS_setgid:
    case SYS_setregid:
    case SYS_setresgid: *answer = change_ids(&identity, call, 0); return 1;
    case SYS_setgroups: *answer = change_groups(supervisor, &identity, call); return 1;
    case SYS_setrlimit:
    case SYS_prlimit64: *answer = tell_limit(supervisor, call); return 1;
    case SYS_setfsuid: *answer = SB_RETURN(identity.users[1]); return 1;
    case SYS_setfsgid: *answer = SB_RETURN(identity.groups[1]); return 1;
    }
    return 0;
}
