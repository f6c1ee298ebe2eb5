// Owners of files for programs in a user namespace with one user: whom a file is given to is written beside it, in an
// extended attribute that becomes the owner in the layer.

#include "supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static int is_in_proc(const char *path) { return strncmp(path, "/proc/", 6) == 0; }

// Whether a file has no record and so is as the kernel says: true of nearly all, and found out without opening it. This
// process has the root directory of the program, which changes its own together with everybody else's, unless somebody
// has another one.
static int is_plain(const struct sb_supervisor *supervisor, const struct sb_call *call, int directory, const char *path,
                    int follow) {
    char name[PATH_MAX + 3 * SB_DIGITS];
    if (!sb_has_namespaces(supervisor->configuration) || supervisor->is_elsewhere || is_in_proc(path)) return 0;
    if (*path == '/') snprintf(name, sizeof name, "%s", path);
    else if (*path == 0) snprintf(name, sizeof name, "%d/fd/%d", call->thread, directory);
    else if (directory == AT_FDCWD) snprintf(name, sizeof name, "%d/cwd/%s", call->thread, path);
    else snprintf(name, sizeof name, "%d/fd/%d/%s", call->thread, directory, path);
    // Nearly all pipes that are open have no name, and so no owner but who made them.
    return sb_has_no_record(name, follow || *path == 0, *path != 0);
}

static struct sb_answer give_away(const struct sb_supervisor *supervisor, const struct sb_call *call, int file,
                                  uint64_t user, uint64_t group) {
    if (file < 0) return SB_FAIL(errno);
    struct sb_record record;
    sb_read_record(file, &record);
    const struct sb_identity identity = sb_current_identity(supervisor, call);
    struct sb_record before = record;
    if ((uint32_t)user != SB_UNCHANGED) record.user = (uint32_t)user;
    if ((uint32_t)group != SB_UNCHANGED) record.group = (uint32_t)group;
    int is_allowed = identity.users[1] == 0 || (before.user == identity.users[1] && record.user == before.user);
    // What the kernel does besides: set-user-ID bits and capabilities go.
    const uint32_t owner = sb_has_namespaces(supervisor->configuration) ? 0 : SB_UNCHANGED;
    int result = is_allowed ? fchownat(file, "", owner, owner, AT_EMPTY_PATH) : -1;
    int error = is_allowed ? errno : EPERM;
    if (result == 0) sb_write_record(file, &record);
    close(file);
    return result == 0 ? SB_RETURN(0) : SB_FAIL(error);
}

static struct sb_answer status_of(const struct sb_supervisor *supervisor, const struct sb_call *call, int file,
                                  uint64_t address, unsigned mask) {
    // The kernel says why there is none.
    if (file < 0) return SB_CONTINUE;
    struct sb_record record;
    struct sb_answer answer = SB_CONTINUE;
    struct stat own;
    // Without a namespace, in which that is so for the kernel, what has no record is root's if it is the only user's.
    if (sb_read_record(file, &record) || (!sb_has_namespaces(supervisor->configuration) &&
                                          fstatat(file, "", &own, AT_EMPTY_PATH) == 0 && own.st_uid == geteuid())) {
        const unsigned kind = record.device == 'c' ? S_IFCHR : record.device == 'b' ? S_IFBLK : 0;
        struct stat status;
        struct statx extended;
        int is_extended = call->number == SYS_statx;
        int result = is_extended ? (int)syscall(SYS_statx, file, "", AT_EMPTY_PATH, mask, &extended)
                                 : fstatat(file, "", &status, AT_EMPTY_PATH);
        if (is_extended) {
            extended.stx_uid = record.user;
            extended.stx_gid = record.group;
            if (kind != 0) extended.stx_mode = (uint16_t)((extended.stx_mode & ~S_IFMT) | kind);
            if (kind != 0) extended.stx_rdev_major = record.major, extended.stx_rdev_minor = record.minor;
            if (record.is_time) extended.stx_atime = extended.stx_mtime;
        } else {
            status.st_uid = record.user;
            status.st_gid = record.group;
            if (kind != 0) status.st_mode = (status.st_mode & ~(mode_t)S_IFMT) | kind;
            if (kind != 0) status.st_rdev = makedev(record.major, record.minor);
            if (record.is_time) status.st_atim = status.st_mtim;
        }
        const void *bytes = is_extended ? (const void *)&extended : (const void *)&status;
        size_t size = is_extended ? sizeof extended : sizeof status;
        if (result == 0) {
            result = sb_write_memory(supervisor, call, address, bytes, size);
            answer = result == 0 ? SB_RETURN(0) : SB_FAIL(EFAULT);
        }
    }
    close(file);
    return answer;
}

mode_t sb_mask_of(const struct sb_supervisor *supervisor, const struct sb_call *call) {
    char name[SB_DIGITS + 8], text[512];
    snprintf(name, sizeof name, "%d/status", call->thread);
    int file = openat(supervisor->proc, name, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    text[length < 0 ? 0 : length] = 0;
    const char *line = strstr(text, "Umask:");
    return line == NULL ? 022 : (mode_t)strtoul(line + 6, NULL, 8);
}

// The owner of what a process makes: its own, and the group of a directory that says so.
static void own_new(int parent, int file, const struct sb_identity *identity, struct sb_record record) {
    struct stat status;
    struct sb_record above;
    record.user = identity->users[1];
    record.group = identity->groups[1];
    if (fstatat(parent, "", &status, AT_EMPTY_PATH) == 0 && status.st_mode & S_ISGID) {
        sb_read_record(parent, &above);
        record.group = above.group;
    }
    sb_write_record(file, &record);
}

int sb_open_anyway(int file, uint64_t flags) {
    char name[SB_DIGITS + 8];
    struct stat status;
    if (file < 0) return -1;
    sb_name_file(file, name);
    int opened = -1;
    if (fstatat(file, "", &status, AT_EMPTY_PATH) == 0) {
        errno = EACCES;
        const mode_t whole = S_ISDIR(status.st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;
        if ((S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) && status.st_uid == geteuid() &&
            chmod(name, (status.st_mode & 07777) | whole) == 0) {
            opened = open(name, ((int)flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC);
            chmod(name, status.st_mode & 07777);
        }
    }
    sb_close(file);
    return opened;
}

// A file or directory of a process that is not root, or a device that the kernel does not make.
static struct sb_answer make(struct sb_supervisor *supervisor, struct sb_call *call, int directory, char *path,
                             unsigned mode, uint64_t flags, uint64_t device) {
    const int is_directory = S_ISDIR(mode), is_device = S_ISCHR(mode) || S_ISBLK(mode), is_pipe = S_ISFIFO(mode);
    const struct sb_identity identity = sb_current_identity(supervisor, call);
    if (!is_device && identity.users[1] == 0 && identity.groups[1] == 0) return SB_CONTINUE;
    // What is only opened.
    if (!is_device && !is_directory && !is_pipe && !(flags & O_CREAT)) return SB_CONTINUE;
    if (is_device && identity.users[1] != 0) return SB_FAIL(EPERM);
    if (is_in_proc(path) || *path == 0) return SB_CONTINUE;
    const char *name;
    int parent = sb_open_parent(supervisor, call, directory, path, &name);
    if (parent < 0) return SB_CONTINUE;
    struct stat status;
    struct sb_answer answer = SB_CONTINUE;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
        mode_t permissions = (mode & 07777) & ~sb_mask_of(supervisor, call);
        struct sb_record record = {.device = is_device ? S_ISCHR(mode) ? 'c' : 'b' : 0,
                                   .major = major((dev_t)device),
                                   .minor = minor((dev_t)device)};
        int file = -1;
        if (is_directory || is_pipe) {
            int made = is_pipe ? mkfifoat(parent, name, permissions) : mkdirat(parent, name, permissions);
            if (made == 0) file = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        } else {
            int how = is_device ? O_WRONLY : (int)flags & ~O_TRUNC;
            file = openat(parent, name, how | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, permissions);
        }
        answer = file < 0 ? SB_FAIL(errno) : SB_RETURN(0);
        if (file >= 0) own_new(parent, file, &identity, record);
        if (file >= 0 && !is_directory && !is_pipe && !is_device) {
            answer = sb_give_file(supervisor, call, file, (flags & O_CLOEXEC) != 0);
        } else sb_close(file);
    }
    close(parent);
    return answer;
}

// A link of a process that is not root.
static struct sb_answer make_link(struct sb_supervisor *supervisor, struct sb_call *call, int directory, char *path) {
    static char target[PATH_MAX];
    const struct sb_identity identity = sb_current_identity(supervisor, call);
    const char *name;
    if (identity.users[1] == 0 && identity.groups[1] == 0) return SB_CONTINUE;
    if (is_in_proc(path) || *path == 0) return SB_CONTINUE;
    if (sb_read_path(supervisor, call, call->arguments[0], target) != 0) return SB_CONTINUE;
    int parent = sb_open_parent(supervisor, call, directory, path, &name);
    if (parent < 0) return SB_CONTINUE;
    struct sb_answer answer = symlinkat(target, parent, name) == 0 ? SB_RETURN(0) : SB_FAIL(errno);
    int file = answer.error == 0 ? openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (file >= 0) own_new(parent, file, &identity, (struct sb_record){0});
    sb_close(file);
    close(parent);
    return answer;
}

static struct sb_answer answer_with_path(struct sb_supervisor *supervisor, struct sb_call *call, char *path) {
    const uint64_t *arguments = call->arguments;
    const int directory = (int)arguments[0];
#define NAMED(at, follows) sb_open_named(supervisor, call, at, path, follows)
#define STATUS(at, follows, address, mask)                                                                             \
    (is_plain(supervisor, call, at, path, follows) ? SB_CONTINUE                                                       \
                                                   : status_of(supervisor, call, NAMED(at, follows), address, mask))
    switch (call->number) {
#ifdef __x86_64__
    case SYS_open: return make(supervisor, call, AT_FDCWD, path, S_IFREG | (arguments[2] & 07777), arguments[1], 0);
    case SYS_creat: {
        const uint64_t flags = O_CREAT | O_WRONLY | O_TRUNC;
        return make(supervisor, call, AT_FDCWD, path, S_IFREG | (arguments[1] & 07777), flags, 0);
    }
    case SYS_symlink: return make_link(supervisor, call, AT_FDCWD, path);
    case SYS_mkdir: return make(supervisor, call, AT_FDCWD, path, S_IFDIR | (arguments[1] & 07777), 0, 0);
    case SYS_mknod: return make(supervisor, call, AT_FDCWD, path, (unsigned)arguments[1], 0, arguments[2]);
#endif
    case SYS_openat: return make(supervisor, call, directory, path, S_IFREG | (arguments[3] & 07777), arguments[2], 0);
    case SYS_symlinkat: return make_link(supervisor, call, (int)arguments[1], path);
    case SYS_mkdirat: return make(supervisor, call, directory, path, S_IFDIR | (arguments[2] & 07777), 0, 0);
    case SYS_mknodat: return make(supervisor, call, directory, path, (unsigned)arguments[2], 0, arguments[3]);
    }
    if (is_in_proc(path)) return SB_CONTINUE;
    switch (call->number) {
#ifdef __x86_64__
    case SYS_stat: return STATUS(AT_FDCWD, 1, arguments[1], 0);
    case SYS_lstat: return STATUS(AT_FDCWD, 0, arguments[1], 0);
    case SYS_chown: return give_away(supervisor, call, NAMED(AT_FDCWD, 1), arguments[1], arguments[2]);
    case SYS_lchown: return give_away(supervisor, call, NAMED(AT_FDCWD, 0), arguments[1], arguments[2]);
#endif
    case SYS_newfstatat: {
        if (*path == 0 && !(arguments[3] & AT_EMPTY_PATH)) return SB_CONTINUE;
        return STATUS(directory, !(arguments[3] & AT_SYMLINK_NOFOLLOW), arguments[2], 0);
    }
    case SYS_statx: {
        if (*path == 0 && !(arguments[2] & AT_EMPTY_PATH)) return SB_CONTINUE;
        return STATUS(directory, !(arguments[2] & AT_SYMLINK_NOFOLLOW), arguments[4], (unsigned)arguments[3]);
    }
    case SYS_fchownat: {
        if (*path == 0 && !(arguments[4] & AT_EMPTY_PATH)) return SB_CONTINUE;
        int file = NAMED(directory, !(arguments[4] & AT_SYMLINK_NOFOLLOW));
        return give_away(supervisor, call, file, arguments[2], arguments[3]);
    }
    case SYS_utimensat: {
        int file = NAMED(directory, !(arguments[3] & AT_SYMLINK_NOFOLLOW));
        return sb_set_times(supervisor, call, file);
    }
    }
#undef STATUS
#undef NAMED
    return SB_CONTINUE;
}

static int has_path_first(int number) {
#ifdef __x86_64__
    const int numbers[] = {SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_chown, SYS_lchown, SYS_mkdir, SYS_mknod};
    for (size_t index = 0; index < sizeof numbers / sizeof numbers[0]; index++) {
        if (numbers[index] == number) return 1;
    }
#endif
    return 0;
}

static struct sb_answer answer_about_files(struct sb_supervisor *supervisor, struct sb_call *call) {
    static char path[PATH_MAX];
    const int directory = (int)call->arguments[0];
    if (call->number == SYS_fstat) {
        if (is_plain(supervisor, call, directory, "", 1)) return SB_CONTINUE;
        return status_of(supervisor, call, sb_open_named(supervisor, call, directory, "", 1), call->arguments[1], 0);
    }
    if (call->number == SYS_fchown) {
        int file = sb_open_named(supervisor, call, directory, "", 1);
        return give_away(supervisor, call, file, call->arguments[1], call->arguments[2]);
    }
    const int place = has_path_first(call->number) ? 0 : call->number == SYS_symlinkat ? 2 : 1;
    uint64_t address = call->arguments[place];
    // What cannot be read the kernel cannot read either; statx takes none for the descriptor itself.
    if (address == 0) path[0] = 0;
    else if (sb_read_path(supervisor, call, address, path) != 0) return SB_CONTINUE;
    return answer_with_path(supervisor, call, path);
}

// All that the supervisor of a namespace is asked besides; that of a tracer is asked more.
static int is_about_files(int number) {
    const int numbers[] = {SYS_openat,   SYS_newfstatat, SYS_statx,   SYS_fstat,     SYS_fchown,
                           SYS_fchownat, SYS_mkdirat,    SYS_mknodat, SYS_symlinkat, SYS_utimensat};
    for (size_t index = 0; index < sizeof numbers / sizeof numbers[0]; index++) {
        if (numbers[index] == number) return 1;
    }
#ifdef __x86_64__
    if (number == SYS_symlink) return 1;
#endif
    return has_path_first(number);
}

struct sb_answer sb_answer_for_owners(struct sb_supervisor *supervisor, struct sb_call *call) {
    struct sb_answer answer;
    if (call->number == SYS_uname) return sb_tell_names(supervisor, call);
    if (sb_changes_root(call->number)) {
        supervisor->is_elsewhere = 1;
        return SB_CONTINUE;
    }
    if (sb_answer_about_users(supervisor, call, &answer)) return answer;
    if (is_about_files(call->number)) answer = answer_about_files(supervisor, call);
    else answer = SB_CONTINUE;
    return answer.is_continued && supervisor->is_traced ? sb_perform(supervisor, call) : answer;
}
