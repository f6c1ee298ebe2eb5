// What is written beside a file where the kernel has one user: its owner, and what it is when it could not be made.

#include "supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

// A link or a pipe takes no attributes. Its record is the time at which it was read last, which no layer keeps: seconds
// are this and the user, nanoseconds the group. In 2242 and later, so that reading does not change it (relatime).
#define FIRST_SECOND (INT64_C(1) << 33)
#define GROUP_LIMIT 1000000000

// This process's working directory is the caller's /proc.
void sb_name_file(int file, char *name) { sb_append_number(stpcpy(name, "self/fd/"), (unsigned)file); }

static int has_no_attributes(mode_t mode) { return S_ISLNK(mode) || S_ISFIFO(mode); }

static int is_time_record(const struct stat *status) {
    return has_no_attributes(status->st_mode) && status->st_atim.tv_sec >= FIRST_SECOND &&
           status->st_atim.tv_sec <= FIRST_SECOND + UINT32_MAX;
}

int sb_has_no_record(const char *name, int follow, int looks_at_time) {
    struct stat status;
    ssize_t length =
        follow ? getxattr(name, SB_OWNER_ATTRIBUTE, NULL, 0) : lgetxattr(name, SB_OWNER_ATTRIBUTE, NULL, 0);
    if (length >= 0 || (errno != ENODATA && errno != ENOTSUP)) return 0;
    if (!looks_at_time) return 1;
    return fstatat(AT_FDCWD, name, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 && !is_time_record(&status);
}

int sb_read_record(int file, struct sb_record *record) {
    char name[SB_DIGITS + 8], text[80];
    struct stat status;
    memset(record, 0, sizeof *record);
    sb_name_file(file, name);
    ssize_t length = getxattr(name, SB_OWNER_ATTRIBUTE, text, sizeof text - 1);
    if (length <= 0) {
        if (fstatat(file, "", &status, AT_EMPTY_PATH) != 0 || !is_time_record(&status)) return 0;
        record->user = (unsigned)(status.st_atim.tv_sec - FIRST_SECOND);
        record->group = (unsigned)status.st_atim.tv_nsec;
        record->is_time = 1;
        return 1;
    }
    text[length] = 0;
    int count =
        sscanf(text, "%u:%u:%c:%u:%u", &record->user, &record->group, &record->device, &record->major, &record->minor);
    return count >= 2;
}

int sb_write_record(int file, const struct sb_record *record) {
    char name[SB_DIGITS + 8], text[80];
    struct stat status;
    const int is_root = record->user == 0 && record->group == 0 && record->device == 0;
    sb_name_file(file, name);
    int length = snprintf(text, sizeof text, "%u:%u", record->user, record->group);
    if (record->device != 0) {
        length += snprintf(text + length, sizeof text - (size_t)length, ":%c:%u:%u", record->device, record->major,
                           record->minor);
    }
    if (is_root && removexattr(name, SB_OWNER_ATTRIBUTE) == 0) return 0;
    if (!is_root && setxattr(name, SB_OWNER_ATTRIBUTE, text, (size_t)length, 0) == 0) return 0;
    const int error = errno;
    if (fstatat(file, "", &status, AT_EMPTY_PATH) != 0) return -1;
    if (has_no_attributes(status.st_mode)) {
        struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
        if (is_root && !is_time_record(&status)) return 0;
        if (!is_root) {
            times[0].tv_sec = (time_t)(FIRST_SECOND + record->user);
            times[0].tv_nsec = record->group < GROUP_LIMIT ? record->group : 0;
        }
        return utimensat(AT_FDCWD, name, times, 0);
    }
    // A filesystem that takes no attributes has no owner but root.
    if (is_root || error != EACCES) return 0;
    // It takes the permission to write.
    if (chmod(name, status.st_mode | S_IWUSR) != 0) return -1;
    int result = setxattr(name, SB_OWNER_ATTRIBUTE, text, (size_t)length, 0);
    chmod(name, status.st_mode & 07777);
    return result;
}

void sb_record_owner(int file, uint32_t user, uint32_t group) {
    char text[2 * SB_DIGITS + 2];
    int length = snprintf(text, sizeof text, "%u:%u", user, group);
    if (user != 0 || group != 0) fsetxattr(file, SB_OWNER_ATTRIBUTE, text, (size_t)length, 0);
}

// A program that sets the times of a link, as tar and dpkg do after they have given it away, must not take its record.
struct sb_answer sb_set_times(const struct sb_supervisor *supervisor, const struct sb_call *call, int file) {
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    const uint64_t address = call->arguments[2];
    char name[SB_DIGITS + 8];
    struct stat status;
    struct sb_answer answer = SB_CONTINUE;
    if (file < 0) return SB_CONTINUE;
    sb_name_file(file, name);
    if (fstatat(file, "", &status, AT_EMPTY_PATH) == 0 && is_time_record(&status) &&
        (address == 0 || sb_read_memory(supervisor, call, address, times, sizeof times) == 0)) {
        times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
        answer = utimensat(AT_FDCWD, name, times, 0) == 0 ? SB_RETURN(0) : SB_FAIL(errno);
    }
    close(file);
    return answer;
}
