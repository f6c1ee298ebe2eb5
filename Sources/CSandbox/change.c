// Calls of traced processes that change directories, or what files are like.

#include "perform.h"

#include <string.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

static char first[PATH_MAX], second[PATH_MAX];

static int is_root(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    return sb_current_identity(supervisor, call).users[1] == 0;
}

int sb_allow(struct sb_permission *permission, const struct sb_supervisor *supervisor, const struct sb_call *call,
             int directory) {
    struct stat status;
    char name[SB_DIGITS + 8];
    permission->directory = -1;
    if (errno != EACCES || directory < 0 || !is_root(supervisor, call)) return 0;
    if (fstatat(directory, "", &status, AT_EMPTY_PATH) != 0 || (status.st_mode & S_IRWXU) == S_IRWXU) return 0;
    sb_name_file(directory, name);
    if (chmod(name, (status.st_mode & 07777) | S_IRWXU) != 0) return 0;
    permission->directory = directory;
    permission->mode = status.st_mode & 07777;
    return 1;
}

void sb_restore(const struct sb_permission *permission) {
    char name[SB_DIGITS + 8];
    const int error = errno;
    if (permission->directory < 0) return;
    sb_name_file(permission->directory, name);
    chmod(name, permission->mode);
    errno = error;
}

// A change at one or two places, each a directory and a name in it.
struct change {
    struct sb_supervisor *supervisor;
    struct sb_call *call;
    int at[2];
    const char *name[2];
};

static int open_place(struct change *change, int index, uint64_t directory, uint64_t address) {
    char *path = index == 0 ? first : second;
    if (sb_read_path(change->supervisor, change->call, address, path) != 0) return -1;
    errno = ENOENT;
    if (path[0] == 0) return -1;
    change->at[index] = sb_open_parent(change->supervisor, change->call, (int)directory, path, &change->name[index]);
    return change->at[index] < 0 ? -1 : 0;
}

typedef int operation(const struct change *change, uint64_t argument, uint64_t more);

static int make_directory(const struct change *change, uint64_t mode, uint64_t more) {
    (void)more;
    return mkdirat(change->at[0], change->name[0], (mode_t)mode & 07777);
}

static int make_node(const struct change *change, uint64_t mode, uint64_t device) {
    if (S_ISFIFO((mode_t)mode)) change->supervisor->has_pipes = 1;
    return mknodat(change->at[0], change->name[0], (mode_t)mode, (dev_t)device);
}

static int remove_name(const struct change *change, uint64_t flags, uint64_t more) {
    (void)more;
    return unlinkat(change->at[0], change->name[0], (int)flags);
}

static int rename_it(const struct change *change, uint64_t flags, uint64_t more) {
    (void)more;
    return (int)syscall(SYS_renameat2, change->at[0], change->name[0], change->at[1], change->name[1], (unsigned)flags);
}

static int link_it(const struct change *change, uint64_t flags, uint64_t more) {
    (void)flags, (void)more;
    return linkat(change->at[0], change->name[0], change->at[1], change->name[1], 0);
}

// What the link says is in `first`.
static int link_to(const struct change *change, uint64_t flags, uint64_t more) {
    (void)flags, (void)more;
    return symlinkat(first, change->at[1], change->name[1]);
}

// Does it, once more with the permissions of root where they are missing, and closes the places.
static struct sb_answer finish(struct change *change, int is_opened, operation *operation, uint64_t argument,
                               uint64_t more) {
    struct sb_permission permissions[2] = {{-1, 0}, {-1, 0}};
    int result = is_opened ? operation(change, argument, more) : -1;
    if (result != 0 && is_opened && errno == EACCES) {
        int is_allowed = sb_allow(&permissions[0], change->supervisor, change->call, change->at[0]);
        errno = EACCES;
        is_allowed |= sb_allow(&permissions[1], change->supervisor, change->call, change->at[1]);
        errno = EACCES;
        if (is_allowed) result = operation(change, argument, more);
        sb_restore(&permissions[1]);
        sb_restore(&permissions[0]);
    }
    sb_close(change->at[0]);
    sb_close(change->at[1]);
    return sb_result_of(result);
}

static struct sb_answer change_one(struct change *change, uint64_t directory, uint64_t address, operation *operation,
                                   uint64_t argument, uint64_t more) {
    return finish(change, open_place(change, 0, directory, address) == 0, operation, argument, more);
}

static struct sb_answer make_one(struct change *change, uint64_t directory, uint64_t address, operation *operation,
                                 uint64_t mode, uint64_t device) {
    const mode_t mask = sb_mask_of(change->supervisor, change->call);
    umask(mask);
    struct sb_answer answer = change_one(change, directory, address, operation, mode, device);
    umask(0);
    return answer;
}

static struct sb_answer move(struct change *change, const uint64_t from[2], const uint64_t to[2], uint64_t flags) {
    int is_opened = open_place(change, 0, from[0], from[1]) == 0 && open_place(change, 1, to[0], to[1]) == 0;
    return finish(change, is_opened, rename_it, flags, 0);
}

static struct sb_answer link_file(struct change *change, const uint64_t from[2], const uint64_t to[2], uint64_t flags) {
    if (!(flags & AT_SYMLINK_FOLLOW)) {
        int is_opened = open_place(change, 0, from[0], from[1]) == 0 && open_place(change, 1, to[0], to[1]) == 0;
        return finish(change, is_opened, link_it, 0, 0);
    }
    if (sb_read_path(change->supervisor, change->call, from[1], first) != 0) return SB_FAIL(errno);
    int file = sb_open_named(change->supervisor, change->call, (int)from[0], first, 1);
    if (file < 0) return SB_FAIL(errno);
    char name[SB_DIGITS + 8];
    sb_name_file(file, name);
    int result = open_place(change, 1, to[0], to[1]);
    if (result == 0) result = linkat(AT_FDCWD, name, change->at[1], change->name[1], AT_SYMLINK_FOLLOW);
    sb_close(change->at[1]);
    sb_close(file);
    return sb_result_of(result);
}

static struct sb_answer make_symbolic_link(struct change *change, uint64_t text, uint64_t directory, uint64_t address) {
    if (sb_read_path(change->supervisor, change->call, text, first) != 0) return SB_FAIL(errno);
    return finish(change, open_place(change, 1, directory, address) == 0, link_to, 0, 0);
}

// Opens the file that a call names, and its name in /proc.
static int open_file(struct change *change, uint64_t directory, uint64_t address, int follow,
                     char name[SB_DIGITS + 8]) {
    if (sb_read_path(change->supervisor, change->call, address, first) != 0) return -1;
    errno = ENOENT;
    int file = first[0] == 0 ? -1 : sb_open_named(change->supervisor, change->call, (int)directory, first, follow);
    if (file >= 0) sb_name_file(file, name);
    return file;
}

static struct sb_answer close_with(int file, int64_t result) {
    sb_close(file);
    return sb_result_of(result);
}

static struct sb_answer set_mode(struct change *change, uint64_t directory, uint64_t address, uint64_t mode,
                                 int follow) {
    char name[SB_DIGITS + 8];
    struct stat status;
    int file = open_file(change, directory, address, follow, name);
    if (file >= 0 && !follow && fstatat(file, "", &status, AT_EMPTY_PATH) == 0 && S_ISLNK(status.st_mode)) {
        close(file);
        return SB_FAIL(EOPNOTSUPP);
    }
    return close_with(file, file < 0 ? -1 : chmod(name, (mode_t)mode & 07777));
}

// All calls that set times, of which each has its own form: `kind` is the bytes of a part of a second, or 0 for none.
static struct sb_answer set_times(struct change *change, uint64_t directory, uint64_t address, uint64_t given,
                                  int follow, int64_t parts) {
    char name[SB_DIGITS + 8];
    struct timespec times[2];
    int64_t words[4] = {0};
    const size_t size = parts == 0 ? 2 * sizeof words[0] : sizeof words;
    if (address == 0) return SB_CONTINUE;
    if (given != 0 && sb_read_memory(change->supervisor, change->call, given, words, size) != 0) return SB_FAIL(EFAULT);
    for (int index = 0; index < 2; index++) {
        times[index].tv_sec = words[parts == 0 ? index : 2 * index];
        times[index].tv_nsec = parts == 0 ? 0 : words[2 * index + 1] * parts;
    }
    int file = open_file(change, directory, address, follow, name);
    return close_with(file, file < 0 ? -1 : utimensat(AT_FDCWD, name, given == 0 ? NULL : times, 0));
}

static struct sb_answer truncate_file(struct change *change, uint64_t address, uint64_t length) {
    char name[SB_DIGITS + 8];
    int file = open_file(change, (uint64_t)AT_FDCWD, address, 1, name);
    int result = file < 0 ? -1 : truncate(name, (off_t)length);
    if (file >= 0 && result != 0 && errno == EACCES && is_root(change->supervisor, change->call)) {
        file = sb_open_anyway(file, O_WRONLY);
        result = file < 0 ? -1 : ftruncate(file, (off_t)length);
    }
    return close_with(file, result);
}

static struct sb_answer tell_filesystem(struct change *change, uint64_t path, uint64_t address) {
    char name[SB_DIGITS + 8];
    struct statfs status;
    int file = open_file(change, (uint64_t)AT_FDCWD, path, 1, name);
    int result = file < 0 ? -1 : fstatfs(file, &status);
    if (result == 0) result = sb_write_memory(change->supervisor, change->call, address, &status, sizeof status);
    return close_with(file, result);
}

static struct sb_answer use_attribute(struct change *change, int number, int follow) {
    static char value[65536], attribute[256];
    char name[SB_DIGITS + 8];
    const struct sb_supervisor *supervisor = change->supervisor;
    const uint64_t *arguments = change->call->arguments;
    const int lists = number == SYS_listxattr, sets = number == SYS_setxattr, gets = number == SYS_getxattr;
    uint64_t room = lists ? arguments[2] : arguments[3];
    if (room > sizeof value) {
        if (sets) return SB_FAIL(E2BIG);
        room = sizeof value;
    }
    int file = open_file(change, (uint64_t)AT_FDCWD, arguments[0], follow, name);
    if (file < 0) return SB_FAIL(errno);
    int64_t result = 0;
    if (!lists) {
        if (sb_read_path(supervisor, change->call, arguments[1], second) != 0) result = -1;
        else if (strlen(second) >= sizeof attribute) result = -1, errno = ERANGE;
        else strcpy(attribute, second);
    }
    if (sets && result == 0)
        result = room == 0 ? 0 : sb_read_memory(supervisor, change->call, arguments[2], value, room);
    if (result != 0) return close_with(file, -1);
    if (sets) result = setxattr(name, attribute, value, room, (int)arguments[4]);
    else if (gets) result = getxattr(name, attribute, value, room);
    else if (lists) result = listxattr(name, value, room);
    else result = removexattr(name, attribute);
    if ((gets || lists) && result > 0 && room > 0) {
        const uint64_t address = lists ? arguments[1] : arguments[2];
        if (sb_write_memory(supervisor, change->call, address, value, (size_t)result) != 0) result = -1;
    }
    return close_with(file, result);
}

// What owners are emulated for is done by then: what is left has no path, or leads to what has no owner of ours.
static struct sb_answer give_away(struct change *change, uint64_t directory, uint64_t address, int follow) {
    char name[SB_DIGITS + 8];
    int file = open_file(change, directory, address, follow, name);
    return close_with(file, file < 0 ? -1 : 0);
}

#define HERE ((uint64_t)AT_FDCWD)
#define PLACE(directory, address) ((const uint64_t[2]){(directory), (address)})

#ifdef __x86_64__
static struct sb_answer change_in_old_form(struct change *change) {
    const uint64_t *a = change->call->arguments;
    switch (change->call->number) {
    case SYS_mkdir: return make_one(change, HERE, a[0], make_directory, a[1], 0);
    case SYS_mknod: return make_one(change, HERE, a[0], make_node, a[1], a[2]);
    case SYS_rmdir: return change_one(change, HERE, a[0], remove_name, AT_REMOVEDIR, 0);
    case SYS_unlink: return change_one(change, HERE, a[0], remove_name, 0, 0);
    case SYS_rename: return move(change, PLACE(HERE, a[0]), PLACE(HERE, a[1]), 0);
    case SYS_link: return link_file(change, PLACE(HERE, a[0]), PLACE(HERE, a[1]), 0);
    case SYS_symlink: return make_symbolic_link(change, a[0], HERE, a[1]);
    case SYS_chown: return give_away(change, HERE, a[0], 1);
    case SYS_lchown: return give_away(change, HERE, a[0], 0);
    case SYS_chmod: return set_mode(change, HERE, a[0], a[1], 1);
    case SYS_utime: return set_times(change, HERE, a[0], a[1], 1, 0);
    case SYS_utimes: return set_times(change, HERE, a[0], a[1], 1, 1000);
    case SYS_futimesat: return set_times(change, a[0], a[1], a[2], 1, 1000);
    }
    return SB_FAIL(ENOSYS);
}
#else
static struct sb_answer change_in_old_form(struct change *change) {
    (void)change;
    return SB_FAIL(ENOSYS);
}
#endif

struct sb_answer sb_change(struct sb_supervisor *supervisor, struct sb_call *call) {
    struct change change = {.supervisor = supervisor, .call = call, .at = {-1, -1}};
    const uint64_t *a = call->arguments;
    switch (call->number) {
    case SYS_mkdirat: return make_one(&change, a[0], a[1], make_directory, a[2], 0);
    case SYS_mknodat: return make_one(&change, a[0], a[1], make_node, a[2], a[3]);
    case SYS_unlinkat: return change_one(&change, a[0], a[1], remove_name, a[2], 0);
#ifdef SYS_renameat
    case SYS_renameat: return move(&change, PLACE(a[0], a[1]), PLACE(a[2], a[3]), 0);
#endif
    case SYS_renameat2: return move(&change, PLACE(a[0], a[1]), PLACE(a[2], a[3]), a[4]);
    case SYS_linkat: return link_file(&change, PLACE(a[0], a[1]), PLACE(a[2], a[3]), a[4]);
    case SYS_symlinkat: return make_symbolic_link(&change, a[0], a[1], a[2]);
    case SYS_fchownat: return give_away(&change, a[0], a[1], !(a[4] & AT_SYMLINK_NOFOLLOW));
    case SYS_fchmodat: return set_mode(&change, a[0], a[1], a[2], 1);
    case SB_FCHMODAT2: return set_mode(&change, a[0], a[1], a[2], !(a[3] & AT_SYMLINK_NOFOLLOW));
    case SYS_utimensat: return set_times(&change, a[0], a[1], a[2], !(a[3] & AT_SYMLINK_NOFOLLOW), 1);
    case SYS_truncate: return truncate_file(&change, a[0], a[1]);
    case SYS_statfs: return tell_filesystem(&change, a[0], a[1]);
    case SYS_getxattr:
    case SYS_setxattr:
    case SYS_listxattr:
    case SYS_removexattr: return use_attribute(&change, call->number, 1);
    case SYS_lgetxattr: return use_attribute(&change, SYS_getxattr, 0);
    case SYS_lsetxattr: return use_attribute(&change, SYS_setxattr, 0);
    case SYS_llistxattr: return use_attribute(&change, SYS_listxattr, 0);
    case SYS_lremovexattr: return use_attribute(&change, SYS_removexattr, 0);
    }
    return change_in_old_form(&change);
}
