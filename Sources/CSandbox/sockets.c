// Sockets of traced processes whose addresses are paths. Such an address has room for 108 bytes, which a path outside
// of the root seldom fits in: it is bound by its path below the root, without the slash, and told with it.

#include "perform.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

// A descriptor of the caller's, here.
static int take_file(const struct sb_supervisor *supervisor, struct sb_call *call, int descriptor) {
    pid_t process = sb_process_of(supervisor, call);
    int pidfd = process <= 0 ? -1 : (int)syscall(SYS_pidfd_open, process, 0);
    if (pidfd < 0) return -1;
    int file = (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
    sb_close(pidfd);
    return file;
}

static int bind_here(struct sb_supervisor *supervisor, struct sb_call *call, int socket, int directory,
                     const struct sockaddr_un *address) {
    if (fchdir(directory) != 0) return -1;
    umask(sb_mask_of(supervisor, call));
    int result = bind(socket, (const struct sockaddr *)address, sizeof *address);
    const int error = errno;
    umask(0);
    if (fchdir(supervisor->proc) != 0) _exit(126);
    errno = error;
    return result;
}

struct sb_answer sb_bind(struct sb_supervisor *supervisor, struct sb_call *call, int *parent,
                         char last[SB_LARGEST_ADDRESS]) {
    static char path[PATH_MAX], own[PATH_MAX], text[2 * PATH_MAX];
    const uint64_t length = call->arguments[2], begin = offsetof(struct sockaddr_un, sun_path);
    struct sockaddr_un address = {0};
    char name[SB_DIGITS + 8];
    const char *found;
    *parent = -1;
    if (length <= begin || length > sizeof address) return SB_CONTINUE;
    if (sb_read_memory(supervisor, call, call->arguments[1], &address, length) != 0) return SB_FAIL(EFAULT);
    if (address.sun_family != AF_UNIX || address.sun_path[0] == 0) return SB_CONTINUE;
    memcpy(path, address.sun_path, length - begin);
    path[length - begin] = 0;
    int directory = sb_open_parent(supervisor, call, AT_FDCWD, path, &found);
    if (directory < 0) return SB_FAIL(errno);
    strncpy(last, found, SB_LARGEST_ADDRESS - 1);
    last[SB_LARGEST_ADDRESS - 1] = 0;
    int socket = take_file(supervisor, call, (int)call->arguments[0]);
    if (socket < 0) {
        // A name alone is the same for the kernel.
        if (memchr(address.sun_path, '/', length - begin) == NULL) sb_close(directory);
        else *parent = directory;
        return SB_CONTINUE;
    }
    sb_name_file(directory, name);
    ssize_t size = readlinkat(supervisor->proc, name, own, sizeof own - 1);
    own[size < 0 ? 0 : size] = 0;
    const char *inside = sb_inside(supervisor, own);
    snprintf(text, sizeof text, "%s%s%s", inside == NULL ? "" : inside + 1, inside == NULL || !inside[1] ? "" : "/",
             last);
    // Where it is longer than what was given, it is named from where it is.
    const int is_short = inside != NULL && strlen(text) < sizeof address.sun_path;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", is_short ? text : last);
    int result = bind_here(supervisor, call, socket, is_short ? supervisor->root : directory, &address);
    sb_close(socket);
    sb_close(directory);
    return sb_result_of(result);
}

struct sb_answer sb_tell_address(struct sb_supervisor *supervisor, struct sb_call *call) {
    struct sockaddr_un address;
    socklen_t length = sizeof address - 1, room;
    int socket = take_file(supervisor, call, (int)call->arguments[0]);
    if (socket < 0) return SB_CONTINUE;
    int result = call->number == SYS_getsockname ? getsockname(socket, (struct sockaddr *)&address, &length)
                                                 : getpeername(socket, (struct sockaddr *)&address, &length);
    sb_close(socket);
    const socklen_t begin = offsetof(struct sockaddr_un, sun_path);
    if (result != 0 || address.sun_family != AF_UNIX || length <= begin || length >= sizeof address) return SB_CONTINUE;
    if (address.sun_path[0] == 0 || address.sun_path[0] == '/') return SB_CONTINUE;
    memmove(address.sun_path + 1, address.sun_path, length - begin);
    address.sun_path[0] = '/';
    length++;
    if (sb_read_memory(supervisor, call, call->arguments[2], &room, sizeof room) != 0) return SB_FAIL(EFAULT);
    if (room > length) room = length;
    if (sb_write_memory(supervisor, call, call->arguments[1], &address, room) != 0) return SB_FAIL(EFAULT);
    if (sb_write_memory(supervisor, call, call->arguments[2], &length, sizeof length) != 0) return SB_FAIL(EFAULT);
    return SB_RETURN(0);
}
