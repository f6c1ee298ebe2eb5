#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Starting a process in a root filesystem of its own. Needs Linux 5.12 for what has namespaces.

enum sb_isolation {
    SB_ISOLATION_FULL,           // mount, pid, uts and ipc namespaces; the caller has CAP_SYS_ADMIN
    SB_ISOLATION_USER_NAMESPACE, // the same; the caller has it in a user namespace only, with the users that there are
    SB_ISOLATION_SINGLE_USER,    // the same below a user namespace with one user, for any caller that may make one
    SB_ISOLATION_CHROOT,         // no namespace and no mount; the caller has CAP_SYS_CHROOT
    SB_ISOLATION_TRACED,         // nor another root directory, but a tracer; for any caller
};

// Where the child stood when it failed.
enum sb_step {
    SB_STEP_PREPARE,
    SB_STEP_CLONE,
    SB_STEP_CONTROL_GROUP, // index: position in `control_groups`
    SB_STEP_MEMORY_SCORE,
    SB_STEP_ENTER,
    SB_STEP_IDENTITY_MAP,
    SB_STEP_NETWORK,
    SB_STEP_LOOPBACK,
    SB_STEP_PRIVATE_MOUNTS,
    SB_STEP_ROOT,
    SB_STEP_DEVICES, // index: position in the table of devices.c, -1 for /dev itself
    SB_STEP_PROC,
    SB_STEP_SYS,
    SB_STEP_MASK,             // index: position in the list of masked, then read-only paths
    SB_STEP_KERNEL_PARAMETER, // index: position in `parameters`
    SB_STEP_MOUNT,            // index: position in `mounts`
    SB_STEP_WORKING_DIRECTORY,
    SB_STEP_HOSTNAME,
    SB_STEP_CHANGE_ROOT,
    SB_STEP_STANDARD_STREAMS,
    SB_STEP_TERMINAL,
    SB_STEP_LIMITS, // index: position in `limits`
    SB_STEP_CAPABILITIES,
    SB_STEP_USER,
    SB_STEP_WATCHER,
    SB_STEP_FILTER,
    SB_STEP_INIT,
    SB_STEP_SUPERVISOR,
    SB_STEP_TRACER,
    SB_STEP_EXECUTE,
};

enum sb_mount_kind {
    SB_MOUNT_BIND,
    SB_MOUNT_TMPFS,
    SB_MOUNT_CONTENT,
    SB_MOUNT_OVERLAY,
    SB_MOUNT_DEVICE,
};

enum sb_mount_flags {
    SB_MOUNT_READ_ONLY = 1,
    SB_MOUNT_RECURSIVE = 2,     // bind: with what is mounted below the source
    SB_MOUNT_CREATE_TARGET = 4, // make a missing target, and report it
    SB_MOUNT_NO_PROGRAMS = 8,   // tmpfs: nothing there can be executed
};

// Lower directories, topmost first, and where changes go; `upper` and `work` are both NULL for a read-only view.
struct sb_overlay {
    const char *const *lower;
    size_t lower_count;
    const char *upper;
    const char *work;
    int is_durable; // what a program syncs must survive a crash of the machine; without it, nothing is synced
};

// A kernel parameter of the new namespaces: its path below /proc/sys.
struct sb_parameter {
    const char *path;
    const char *value;
};

struct sb_mount {
    enum sb_mount_kind kind;
    unsigned flags;
    const char *target;
    const char *source;      // bind, device: host path, or path inside `source_root`; overlay: path inside it, or NULL
    const char *source_root; // bind: directory that `source` must not leave, or NULL
    struct sb_overlay overlay; // overlay only
    const void *content;       // content: the bytes of a new file in memory
    uint64_t size;             // content: their number; tmpfs: its bytes, 0 for the kernel's default
    unsigned mode;             // content: permissions of the file; tmpfs: of its root
    uint32_t user;             // content, tmpfs: who it belongs to; a file is the caller's in a user namespace
    uint32_t group;
};

// A resource limit as setrlimit(2) has it.
struct sb_limit {
    int resource;
    uint64_t soft;
    uint64_t hard;
};

// An instruction of the kernel's filter machine, as `struct sock_filter` has it.
struct sb_filter {
    uint16_t code;
    uint8_t jt;
    uint8_t jf;
    uint32_t k;
};

// Everything a launch needs. The child reads it after the clone and changes nothing.
struct sb_configuration {
    enum sb_isolation isolation;
    const char *root_directory; // plain directory, or NULL when `root_overlay` is the root
    struct sb_overlay root_overlay;
    const int *open_directories; // what lower directories name as /proc/self/fd/N, which stays open for them
    size_t open_directory_count;
    int entered;     // pidfd of a process whose namespaces are entered; -1 for new ones
    int new_network; // a network namespace with only `lo`
    // Descriptor of a network namespace to be in, or -1. Below a user namespace it is also the program's user namespace
    // that this one belongs to.
    int network;
    // Namespaces of the caller's in the place of new ones.
    int shares_processes; // what the program starts does not end with it then
    int shares_ipc;       // with /dev/shm
    int shares_names;     // `hostname` and `domainname` have no effect then
    // Processes (pidfds) of others whose namespaces the program is in, or -1.
    int joined_processes; // what the program starts does not end with it then
    int joined_ipc;       // with /dev/shm
    int read_only_root;
    int syncs_nothing; // of a supervised program: what it syncs need not survive a crash of the machine
    int unmasked;      // leave /proc and /sys as the kernel shows them
    int probe;         // do everything but execute, then exit with 0
    int held; // only mount the root and `mounts`, and wait in it until killed; for others to use /proc/PID/root

    int control_group;         // directory of a control group of version 2 for the process; -1 for a common one
    const int *control_groups; // files `cgroup.procs` of further groups to join first
    size_t control_group_count;
    const struct sb_parameter *parameters;
    size_t parameter_count;
    const struct sb_mount *mounts;
    size_t mount_count;
    uint64_t shared_memory_size; // bytes of /dev/shm
    const struct sb_limit *limits;
    size_t limit_count;

    const char *const *arguments;   // ends with NULL, at least one
    const char *const *environment; // ends with NULL
    const char *search_path;        // PATH to look the program up in, or NULL
    const char *working_directory;
    const char *hostname;
    const char *domainname;            // or NULL for the caller's
    const char *const *init_arguments; // what an init as process 1 shows as its own, or NULL for none
    int memory_score;                  // added to the kernel's score when it chooses what to kill
    int has_memory_score;              // without it, the score is the caller's

    uint32_t user;
    uint32_t group;
    const uint32_t *groups;
    size_t group_count;
    uint64_t capabilities; // bounding set, bit n for capability n
    int no_new_privileges;
    const struct sb_filter *filter; // which system calls are allowed, or NULL for all
    size_t filter_length;

    int standard_input;
    int standard_output;
    int standard_error;
    const char *terminal; // path of the terminal that the streams are, or NULL
};

struct sb_failure {
    enum sb_step step;
    int index;
    int error;
};

// A started process. `created` are the mount points that had to be made, each as `d` or `f` (directory or file), the
// path inside the root and a zero byte; free() it.
struct sb_process {
    pid_t pid;
    int pidfd;     // -1 where the kernel has none
    pid_t program; // where that is another one: its child, whose end is its own
    int program_pidfd;
    char *created;
    size_t created_length;
};

// Starts the process and returns when its program is executing: 0, or -1 with `failure` filled in and no child left.
// Any thread may call it. The process is killed when this process ends.
int sb_launch(const struct sb_configuration *configuration, struct sb_process *process, struct sb_failure *failure);

// Whether one process may answer the system calls of another: without, no users are emulated, and no /proc.
int sb_can_answer(void);

// What the processes of a control group may do with device files.
struct sb_device_rule {
    char type;     // `c`, `b`, or `a` for both
    int64_t major; // -1 for all
    int64_t minor;
    unsigned access; // 1: make, 2: read, 4: write
};

// Lets the processes of a control group, given by its directory, use only the devices that no program can do without,
// and those of the rules.
int sb_limit_devices(int control_group, const struct sb_device_rule *rules, size_t count);

// Kind and numbers of the device file that a path of this machine leads to; `access` stays as it is.
int sb_device_numbers(const char *path, struct sb_device_rule *rule);

// Sends a signal through the pidfd, or to the pid where there is none.
int sb_signal(pid_t pid, int pidfd, int signal);

// What `index` of SB_STEP_DEVICES and SB_STEP_MASK stands for, as an absolute path; NULL when it is out of range.
const char *sb_device_path(int index);
const char *sb_masked_path(int index);
// Whether that one is hidden; otherwise it is read-only.
int sb_is_hidden(int index);

// A new network namespace that belongs to a new user namespace, for a caller that may make none of its own: its
// descriptor, or -1. `sockets`, unless it is NULL, gets two netlink sockets in it, for routes and for the packet
// filter, which the maker may use from where it is; -1 for what cannot be opened.
int sb_new_network(int *sockets);

// Starts a process that keeps a user namespace, in which there is only the caller's user, with a network namespace: new
// ones, or those of two descriptors. It ends once no process has a shared flock(2) on the file `lock`. Its pid, or -1.
// It waits for the pid of a process that it is to end then, as a `pid_t` written to the descriptor `companion`, or for
// the end of that.
pid_t sb_hold_network(const char *lock, const int *namespaces, int *companion);

// Starts a process that keeps a user namespace with the users and groups that `newuidmap` and `newgidmap` map, whose
// arguments these are; the second one has room for a number, the process, which is filled in. It ends once no process
// has a shared flock(2) on the file `lock`. Its pid, or -1 with what the programs said, if anything, in `message`. Only
// for a process with one thread.
pid_t sb_hold_users(const char *lock, char **users, char **groups, char *message, size_t size);

// Says who this process was outside before it entered a user namespace in which that one is root.
void sb_remember_caller(uid_t user, gid_t group);

// Whether that was said.
int sb_has_caller(void);

// Executes a program as that user, in a process group of its own, with three open files as its standard streams: an
// error number, or 0 with its pid. The program is looked up in this process's PATH.
int sb_spawn_as_caller(char *const *arguments, char *const *environment, const int *streams, pid_t *pid);

// Has a shared lock of that file as long as this process lives: 0, or -1.
int sb_share_users(const char *lock);

// Whether this process is in another user namespace than the first.
int sb_is_below_user_namespace(void);

// Whether this process is root of its network namespace: as the machine's root, or in a container that has its own.
int sb_owns_network(void);

// Enters a user namespace, if this process is not in it already; only for a process with one thread.
int sb_enter_user(int descriptor);

// A new pair of terminals, both closed by execve and neither the controlling one.
int sb_open_terminal(int *controller, int *process_end);

// The process's end of a pair whose controller was opened as some `ptmx`; -1 for any other file.
int sb_open_terminal_peer(int controller);

// A descriptor from which a byte can be read after each SIGWINCH; the same one for each call, from one thread only.
int sb_window_changes(void);

#endif
