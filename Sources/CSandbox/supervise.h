#ifndef SB_SUPERVISE_H
#define SB_SUPERVISE_H

#include "child.h"

#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/resource.h>

// A process of ours that is the parent of the program and answers some of the system calls of all processes below it,
// where the kernel would refuse them (seccomp_unotify(2)). It is no security boundary: what it lets a program do, the
// program may do anyway, and a program that wants to deceive it can.

struct sb_supervisor {
    const struct sb_configuration *configuration;
    int emulates_users;
    int listener; // -1 where the kernel has none
    int known;    // pipe that ends when the caller has a pidfd of the program
    pid_t program;
    int is_elsewhere; // a process may have another root than the program's
    int is_traced;    // it has no root directory of its own: this process does what names a file (perform.c)
    int proc;         // the caller's /proc, which shows the processes by the numbers that the listener has
    int root;         // the root of the program where it is not this process's own, or -1
    char root_path[PATH_MAX];
    size_t root_length;
    dev_t root_device;
    ino_t root_inode;
    unsigned link_count; // made for programs that are executed through /proc
    int has_pipes;       // there are pipes with a name
    int loader;          // of traced programs, see tracer.h
};

// A system call that waits for its answer.
struct sb_call {
    uint64_t id;
    pid_t thread;
    pid_t process; // its thread group, found when needed; see sb_process_of
    int number;
    const uint64_t *arguments;
    int acts; // this process acts as the user of that one
};

// What it gets: the kernel's own way of doing it, an error number, or a result.
struct sb_answer {
    int is_continued;
    int is_later; // another process sends it
    int error;
    int64_t value;
};

#define SB_CONTINUE ((struct sb_answer){.is_continued = 1})
#define SB_FAIL(number) ((struct sb_answer){.error = (number)})
#define SB_RETURN(result) ((struct sb_answer){.value = (result)})

// supervise.c: whether there is one for the configuration.
int sb_is_supervised(const struct sb_configuration *configuration);
// supervise.c: makes this process the supervisor, and goes on in its child, where it returns 0.
int sb_supervise(struct sb_child *child);
// supervise.c: opens files as this user from now on.
void sb_act_as(uid_t user, gid_t group);
// supervise.c: the same as the user of the process that calls, if that is another, until the call is answered.
void sb_act_for(const struct sb_supervisor *supervisor, struct sb_call *call);
// supervise.c: in the child, installs the filter, and hands the listener over.
int sb_become_supervised(const struct sb_child *child);

// supervise.c: tells the kernel.
void sb_send_answer(const struct sb_supervisor *supervisor, const struct sb_call *call, const struct sb_answer *answer);

// traps.c: whether there are filters for this architecture.
int sb_can_trap(void);
// traps.c: the filter that sends the calls to the supervisor which it answers, of at most this many instructions.
#define SB_LARGEST_FILTER 512
size_t sb_write_traps(const struct sb_configuration *configuration, struct sock_filter filter[SB_LARGEST_FILTER]);

// traps.c: lets this process and its children make no sockets but local ones.
int sb_refuse_network(void);

// target.c: bytes of the caller's memory; 0, or -1 with errno.
int sb_read_memory(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address, void *bytes,
                   size_t size);
int sb_write_memory(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address,
                    const void *bytes, size_t size);
// target.c: a string that ends within PATH_MAX bytes; ENAMETOOLONG otherwise.
int sb_read_path(const struct sb_supervisor *supervisor, const struct sb_call *call, uint64_t address, char *path);
// target.c: the process that the calling thread belongs to, or -1.
pid_t sb_process_of(const struct sb_supervisor *supervisor, struct sb_call *call);
// target.c: gives the caller a file, and closes it here.
struct sb_answer sb_give_file(const struct sb_supervisor *supervisor, const struct sb_call *call, int file,
                              int closes_on_exec);

// places.c: /proc and /sys for programs whose root has none.
struct sb_answer sb_answer_for_places(struct sb_supervisor *supervisor, struct sb_call *call);
// places.c: uname(2), with the name of the configuration where the machine's cannot be another.
struct sb_answer sb_tell_names(const struct sb_supervisor *supervisor, const struct sb_call *call);
// places.c: takes away what was made for programs that were executed through /proc.
void sb_remove_links(const struct sb_supervisor *supervisor);

// named.c: a directory of the caller's that relative paths begin at.
int sb_open_base(const struct sb_supervisor *supervisor, const struct sb_call *call, int directory, const char *path);
// named.c: the file that a call names, with O_PATH; an empty path is the descriptor itself.
int sb_open_named(struct sb_supervisor *supervisor, struct sb_call *call, int directory, const char *path, int follow);
// named.c: the directory that a path is in, and its last name; -1 where there is none.
int sb_open_parent(struct sb_supervisor *supervisor, struct sb_call *call, int directory, char *path,
                   const char **name);
// named.c: a file as a traced process names it, opened as it says; `outside`, unless it is NULL, gets its path where it
// is not in the root, and is empty otherwise.
int sb_open_guest(struct sb_supervisor *supervisor, struct sb_call *call, int directory, const char *path,
                  uint64_t flags, unsigned mode, char *outside);

// An ID that stays as it is.
#define SB_UNCHANGED UINT32_MAX

// Who a process is.
#define SB_LARGEST_GROUP_COUNT 64
struct sb_identity {
    uint32_t users[3]; // real, effective, saved
    uint32_t groups[3];
    uint32_t count;
    uint32_t others[SB_LARGEST_GROUP_COUNT];
};

// The kernel keeps a number for each process, hands it to children, and has had no use for it since Linux 2.4.25.
#define SB_IDENTITY_LIMIT RLIMIT_LOCKS

// identities.c: of the process that calls.
struct sb_identity sb_current_identity(const struct sb_supervisor *supervisor, const struct sb_call *call);
// identities.c: whether the call is about who the process is; the answer then.
int sb_answer_about_users(const struct sb_supervisor *supervisor, const struct sb_call *call, struct sb_answer *answer);

// records.c: what is written beside a file: its owner, and what it is when it could not be made.
struct sb_record {
    unsigned user, group;
    char device; // `c`, `b`, or 0
    unsigned major, minor;
    int is_time; // it is in the place of the time of access
};
// records.c: the name of an open file, in room for SB_DIGITS + 8 bytes.
void sb_name_file(int file, char *name);
// records.c: whether a file that can be named has none, and needs none to be looked for; that of a link or a pipe,
// which is a time, only where that is wanted.
int sb_has_no_record(const char *name, int follow, int looks_at_time);
// records.c: whether there is one; without, the file is root's.
int sb_read_record(int file, struct sb_record *record);
int sb_write_record(int file, const struct sb_record *record);
// records.c: utimensat(2) on a file, which it closes, without a change of its record.
struct sb_answer sb_set_times(const struct sb_supervisor *supervisor, const struct sb_call *call, int file);

// traps.c: whether a process may have another root directory, or other mounts, after a call.
int sb_changes_root(int number);

// owners.c: what the caller takes from the permissions of new files.
mode_t sb_mask_of(const struct sb_supervisor *supervisor, const struct sb_call *call);
// owners.c: opens a file that its owner may not open, as root may, and closes the other one.
int sb_open_anyway(int file, uint64_t flags);
#define SB_LARGEST_ADDRESS 108
#define SB_FCHMODAT2 452
// perform.c: does what a traced process names a file for, in the place of it.
struct sb_answer sb_perform(struct sb_supervisor *supervisor, struct sb_call *call);
// sockets.c: getsockname(2) and getpeername(2), where the address is a path.
struct sb_answer sb_tell_address(struct sb_supervisor *supervisor, struct sb_call *call);
// sockets.c: bind(2) to a path. It continues where the address is none, and where the process must do it itself: then
// `parent` is the directory, and `last` the name in it.
struct sb_answer sb_bind(struct sb_supervisor *supervisor, struct sb_call *call, int *parent,
                         char last[SB_LARGEST_ADDRESS]);

// owners.c: who processes are and whom files belong to.
struct sb_answer sb_answer_for_owners(struct sb_supervisor *supervisor, struct sb_call *call);

#endif
