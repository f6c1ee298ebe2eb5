// /proc and /sys, and the name of the machine, for programs in a root directory where nothing can be mounted: what the
// caller has is opened in the place of what is not there.

#include "places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static struct sb_answer open_place(struct place *place, int directory, const char *path, uint64_t flags) {
    int found = sb_find_place(place, directory, path, !(flags & O_NOFOLLOW));
    if (found == 0) return SB_CONTINUE;
    if (found < 0) return SB_FAIL(errno);
    // The kernel gives nobody a descriptor that is only a place (fget); one to read from does the same.
    if (flags & O_PATH) flags &= ~(uint64_t)(O_PATH | O_ACCMODE);
    // This process must not wait for anything.
    int file = open(place->path, (int)(flags & ~(uint64_t)(O_CREAT | O_EXCL)) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return SB_FAIL(errno);
    if (!(flags & (O_NONBLOCK | O_PATH))) fcntl(file, F_SETFL, (int)flags & ~(O_CREAT | O_EXCL | O_NONBLOCK));
    return sb_give_file(place->supervisor, place->call, file, (flags & O_CLOEXEC) != 0);
}

static struct sb_answer write_back(struct place *place, uint64_t address, const void *bytes, size_t size) {
    return sb_write_memory(place->supervisor, place->call, address, bytes, size) == 0 ? SB_RETURN(0) : SB_FAIL(EFAULT);
}

static struct sb_answer status_of(struct place *place, int directory, const char *path, int follow, uint64_t address) {
    int found = sb_find_place(place, directory, path, follow);
    if (found == 0) return SB_CONTINUE;
    struct stat status;
    if (found < 0 || fstatat(AT_FDCWD, place->path, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return SB_FAIL(errno);
    }
    return write_back(place, address, &status, sizeof status);
}

static struct sb_answer extended_status_of(struct place *place, int directory, const char *path, uint64_t flags,
                                           uint64_t mask, uint64_t address) {
    int found = sb_find_place(place, directory, path, !(flags & AT_SYMLINK_NOFOLLOW));
    if (found == 0) return SB_CONTINUE;
    struct statx status;
    if (found < 0 || syscall(SYS_statx, AT_FDCWD, place->path, (int)flags, (unsigned)mask, &status) != 0) {
        return SB_FAIL(errno);
    }
    return write_back(place, address, &status, sizeof status);
}

static struct sb_answer may_access(struct place *place, int directory, const char *path, uint64_t mode) {
    int found = sb_find_place(place, directory, path, 1);
    if (found == 0) return SB_CONTINUE;
    return found > 0 && faccessat(AT_FDCWD, place->path, (int)mode, 0) == 0 ? SB_RETURN(0) : SB_FAIL(errno);
}

static struct sb_answer link_of(struct place *place, int directory, const char *path, uint64_t address, uint64_t size) {
    int found = sb_find_place(place, directory, path, 0);
    if (found == 0) return SB_CONTINUE;
    char link[PATH_MAX];
    ssize_t length = found < 0 ? -1 : sb_read_link(place, link);
    if (length < 0) return SB_FAIL(errno);
    size_t count = (uint64_t)length < size ? (size_t)length : (size_t)size;
    struct sb_answer answer = write_back(place, address, link, count);
    return answer.error != 0 ? answer : SB_RETURN((int64_t)count);
}

#define LARGEST_LINK_COUNT 1000

// A directory with the link, so that the program is called as it would be.
static char *name_directory(unsigned number, char *name) { return sb_append_number(stpcpy(name, "dev/."), number); }

void sb_remove_links(const struct sb_supervisor *supervisor) {
    char name[SB_DIGITS + 16];
    for (unsigned number = 0; number < supervisor->link_count && number < LARGEST_LINK_COUNT; number++) {
        char *end = name_directory(number, name);
        strcpy(end, "/exe");
        unlinkat(supervisor->root, name, 0);
        *end = 0;
        unlinkat(supervisor->root, name, AT_REMOVEDIR);
    }
}

// The kernel would look for the path in the root: it gets another one, in the program's memory, which execve replaces.
static struct sb_answer execute(struct place *place, const char *path) {
    struct sb_supervisor *supervisor = place->supervisor;
    int found = sb_find_place(place, AT_FDCWD, path, 0);
    if (found == 0) return SB_CONTINUE;
    char program[PATH_MAX], link[SB_DIGITS + 16] = "/";
    if (found < 0 || sb_read_link(place, program) < 0) return SB_FAIL(errno);
    sb_act_as(0, 0);
    char *end = name_directory(supervisor->link_count++ % LARGEST_LINK_COUNT, link + 1);
    mkdirat(supervisor->root, link + 1, 0755);
    strcpy(end, "/exe");
    if (strlen(link) > strlen(path)) return SB_FAIL(EACCES);
    unlinkat(supervisor->root, link + 1, 0);
    if (symlinkat(program, supervisor->root, link + 1) != 0) return SB_FAIL(errno);
    struct sb_answer answer = write_back(place, place->call->arguments[0], link, strlen(link) + 1);
    return answer.error != 0 ? answer : SB_CONTINUE;
}

// A directory outside of the root would be a way out.
static struct sb_answer enter_directory(struct place *place, const char *path) {
    int found = sb_find_place(place, AT_FDCWD, path, 1);
    return found == 0 ? SB_CONTINUE : SB_FAIL(found < 0 ? errno : EACCES);
}

static struct sb_answer enter_descriptor(struct place *place, int directory) {
    char name[3 * SB_DIGITS], path[PATH_MAX];
    sb_act_for(place->supervisor, place->call);
    snprintf(name, sizeof name, "%d/fd/%d", place->call->thread, directory);
    ssize_t length = readlinkat(place->supervisor->proc, name, path, sizeof path - 1);
    if (length < 0) return SB_CONTINUE;
    path[length] = 0;
    return sb_inside(place->supervisor, path) != NULL ? SB_CONTINUE : SB_FAIL(EACCES);
}

struct sb_answer sb_tell_names(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    struct utsname names;
    if (sb_has_namespaces(supervisor->configuration) || uname(&names) != 0) return SB_CONTINUE;
    snprintf(names.nodename, sizeof names.nodename, "%s", supervisor->configuration->hostname);
    int result = sb_write_memory(supervisor, call, call->arguments[0], &names, sizeof names);
    return result == 0 ? SB_RETURN(0) : SB_FAIL(EFAULT);
}

static struct sb_answer open_extended(struct place *place, const char *path) {
    const uint64_t *arguments = place->call->arguments;
    struct open_how how;
    if (arguments[3] < sizeof how) return SB_CONTINUE;
    if (sb_read_memory(place->supervisor, place->call, arguments[2], &how, sizeof how) != 0) return SB_FAIL(EFAULT);
    // Whoever says where it may lead is told by the kernel.
    return how.resolve != 0 ? SB_CONTINUE : open_place(place, (int)arguments[0], path, how.flags);
}

struct sb_answer sb_answer_for_places(struct sb_supervisor *supervisor, struct sb_call *call) {
    static struct place place;
    static char path[PATH_MAX];
    const uint64_t *arguments = call->arguments;
    const int directory = (int)arguments[0];
    place.supervisor = supervisor;
    place.call = call;
    if (call->number == SYS_fchdir) return enter_descriptor(&place, directory);
    if (call->number == SYS_uname) {
        sb_act_for(supervisor, call);
        return sb_tell_names(supervisor, call);
    }
    int is_first = call->number == SYS_chdir || call->number == SYS_execve;
#ifdef __x86_64__
    is_first = is_first || call->number == SYS_open || call->number == SYS_stat || call->number == SYS_lstat ||
               call->number == SYS_access || call->number == SYS_readlink;
#endif
    // What cannot be read the kernel cannot read either.
    const uint64_t address = arguments[is_first ? 0 : 1];
    if (sb_read_path(supervisor, call, address, path) != 0) {
        sb_act_for(supervisor, call);
        if (!call->acts || sb_read_path(supervisor, call, address, path) != 0) return SB_CONTINUE;
    }
    switch (call->number) {
#ifdef __x86_64__
    case SYS_open: return open_place(&place, AT_FDCWD, path, arguments[1]);
    case SYS_stat: return status_of(&place, AT_FDCWD, path, 1, arguments[1]);
    case SYS_lstat: return status_of(&place, AT_FDCWD, path, 0, arguments[1]);
    case SYS_access: return may_access(&place, AT_FDCWD, path, arguments[1]);
    case SYS_readlink: return link_of(&place, AT_FDCWD, path, arguments[1], arguments[2]);
#endif
    case SYS_openat: return open_place(&place, directory, path, arguments[2]);
    case SYS_openat2: return open_extended(&place, path);
    case SYS_newfstatat: return status_of(&place, directory, path, !(arguments[3] & AT_SYMLINK_NOFOLLOW), arguments[2]);
    case SYS_statx: return extended_status_of(&place, directory, path, arguments[2], arguments[3], arguments[4]);
    case SYS_faccessat:
    case SYS_faccessat2: return may_access(&place, directory, path, arguments[2]);
    case SYS_readlinkat: return link_of(&place, directory, path, arguments[2], arguments[3]);
    case SYS_chdir: return enter_directory(&place, path);
    case SYS_execve: return execute(&place, path);
    }
    return SB_CONTINUE;
}
