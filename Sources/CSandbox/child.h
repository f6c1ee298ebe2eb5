#ifndef SB_CHILD_H
#define SB_CHILD_H

// First: it asks the C library for everything Linux has.
#include "kernel.h"

#include "CSandbox.h"

// Everything below runs in the child, in the memory of a process with other threads (see clone.c): only system calls
// and code that takes no lock, allocates nothing and changes no memory of others. Functions return -1 and leave the
// reason in errno, unless they say otherwise.

// What the child knows; made by the parent before the clone.
struct sb_child {
    const struct sb_configuration *configuration;
    int report; // write end of the pipe to the parent, close-on-exec
    int root;   // directory descriptor of the new root, once there is one
    int nodes;  // a filesystem in memory that nothing inside can reach, but for files of it that are mounted
    int null;   // the /dev/null and an empty directory that were made in it, to cover others with
    int empty;
    int shared_memory;    // the mount of another program's /dev/shm, or -1
    char *brother_stack;  // the end of the stack for sb_clone_brother
    int signals_on_death; // the cloning thread lives as long as the process, so PR_SET_PDEATHSIG can be used
    int watcher;          // socket of the process that outlives this program
    int has_streams;      // whether the standard streams are the program's
    int supervisor;       // socket of the process that answers system calls, where there is one
    int known;            // pipe that ends when the parent has a pidfd of the program that has a supervisor
    int gate;             // pipe that ends when process 1 is the init, or 0
    int device_group;     // whether the child is in the control group that decides about devices
    char user_map[32];    // lines for /proc/self/uid_map and gid_map
    char group_map[32];
    dev_t program_device; // the file this program itself runs from, which must never run inside
    ino_t program_inode;
    struct sb_failure position; // the step that is being done
};

// What to do with the last components of a path that do not exist.
enum sb_missing {
    SB_MISSING_FAILS,
    SB_MISSING_FILE,              // make directories and an empty file; report them
    SB_MISSING_DIRECTORY,         // make directories; report them
    SB_MISSING_WORKING_DIRECTORY, // make directories for the configured user; they are part of the layer
};

static inline int sb_has_namespaces(const struct sb_configuration *configuration) {
    return configuration->isolation < SB_ISOLATION_CHROOT;
}

// Whether all files are the caller's, who is the only user that there is.
static inline int sb_has_one_user(const struct sb_configuration *configuration) {
    return configuration->isolation == SB_ISOLATION_SINGLE_USER || configuration->isolation == SB_ISOLATION_TRACED;
}

// Does all steps and executes the program; never returns.
_Noreturn void sb_child_main(struct sb_child *child);
// The same from where a child stands that is made in namespaces that were entered.
_Noreturn void sb_brother_main(struct sb_child *child);
// clone.c: makes a child of this process's parent, which goes on in sb_brother_main, and reports its pid.
int sb_clone_brother(struct sb_child *child);
// clone.c: whether the program is such a child, in namespaces that this process enters first.
int sb_has_brother(const struct sb_configuration *configuration);
// clone.c: whether the network namespace decides in which user namespace the program is.
int sb_is_network_owned(const struct sb_configuration *configuration);

// paths.c: opens `path` inside the root with O_PATH; see there.
int sb_resolve(const struct sb_child *child, const char *path, enum sb_missing missing, int follow_links);
// paths.c: tells the parent that a mount point was made.
int sb_report_created(const struct sb_child *child, char kind, const char *path);

// overlay.c: the overlay's upper directory or topmost lower one, if that is a place to attach something on.
const char *sb_overlay_place(const struct sb_overlay *overlay);
// overlay.c: makes the overlay and attaches it there; returns its root.
int sb_overlay_attached(const struct sb_child *child, const struct sb_overlay *overlay);
// overlay.c: makes the overlay as a mount that is attached nowhere, or fails with ENOSYS or EINVAL on older kernels.
int sb_overlay_detached(const struct sb_child *child, const struct sb_overlay *overlay);

// overlay.c: writes the decimal digits of `number` and a zero, and returns where that is.
char *sb_append_number(char *end, uint64_t number);
#define SB_DIGITS 21

// root.c: builds the root mount into child->root.
int sb_mount_root(struct sb_child *child);
// root.c: makes child->root the root directory and forgets the old one.
int sb_change_root(const struct sb_child *child);

// memory.c: takes the mount of another program's /dev/shm into child->shared_memory.
int sb_copy_shared_memory(struct sb_child *child);

// devices.c: a private /dev.
int sb_mount_devices(struct sb_child *child);
// devices.c: device files in the root itself, where nothing can be mounted.
int sb_make_devices(struct sb_child *child);

// system.c: /proc and /sys, and what is hidden in them.
int sb_mount_proc(struct sb_child *child);
int sb_mount_sys(struct sb_child *child);
// system.c: a directory for what is not mounted there.
int sb_make_place(const struct sb_child *child, const char *path);
// system.c: writes the kernel parameters.
int sb_set_parameters(struct sb_child *child);

// mounts.c: the table of the configuration.
int sb_mount_table(struct sb_child *child);
// mounts.c: the table where nothing can be mounted; sources are opened by the first, used by the second.
int sb_imitate_mounts(struct sb_child *child);

// identity.c
int sb_map_identity(const struct sb_child *child);
int sb_set_limits(struct sb_child *child);
int sb_drop_capabilities(const struct sb_child *child);
int sb_become_user(const struct sb_child *child);

// execute.c: looks the program up and executes it; returns only on failure.
int sb_execute(const struct sb_child *child);

// execute.c: whether a tracer can do its work here, and users can be emulated.
int sb_try_tracing(const struct sb_child *child);

// init.c: makes the file of the init that goes with a program, and opens it; it must be done before the user changes.
int sb_open_init(const struct sb_child *child, pid_t program);
// init.c: executes it; returns only on failure.
int sb_execute_init(const struct sb_child *child, int file);

// identity.c: installs the filter of system calls; the last step, since it may forbid all others.
int sb_filter_calls(const struct sb_child *child);

// supervise.c: whether users besides the only one are emulated.
int sb_emulates_users(const struct sb_configuration *configuration);
// records.c: writes beside an open file whose it is, for that.
void sb_record_owner(int file, uint32_t user, uint32_t group);
#define SB_OWNER_ATTRIBUTE "user.swiftbuild.owner"

// watcher.c: the socket of the process that ends children when this program has ended; started when needed.
int sb_watcher(void);
// watcher.c: says that the watcher has ended.
void sb_watcher_is_gone(int socket);
// watcher.c: makes the child known to the watcher.
int sb_introduce(const struct sb_child *child);

// groups.c: the directory of the control group for children, made when needed; -1 where there can be none.
int sb_device_group(void);
void sb_device_group_is_unusable(void);
// groups.c: for the watcher: where the group is, and how it is removed once it is empty.
int sb_device_group_parent(void);
void sb_device_group_remove(int parent);

// descriptors.c: closes every descriptor from `first` on but some.
void sb_close_all_but(const int *kept, size_t count, unsigned first);

// A new filesystem of `type`, attached nowhere; `options` are pairs of name and value, ending with NULL.
int sb_new_filesystem(const char *type, const char *const *options, unsigned attributes);

// MOUNT_ATTR_NODEV, unless the configuration has CAP_SYS_ADMIN or the child is in the control group that decides about
// devices (groups.c). Without it, no filesystem but the nodes in /dev themselves gives access to a device.
unsigned sb_nodev(const struct sb_child *child);

#endif
