// The clone itself, on threads that never end.
//
// The child runs in this process's memory on a stack of its own, as with vfork, until it executes its program: copying
// the page tables of a process of our size, and the faults that follow on both sides, cost more than all of its mounts.
// The thread that made it waits meanwhile. The child changes nothing but its stack, its `struct sb_child` and errno,
// which is the waiting thread's. When it becomes another user, the kernel makes the memory undumpable, as it must: from
// then on only root can look into it, neither through the child nor through us.
//
// PR_SET_PDEATHSIG fires when the *thread* that made the child ends. The threads that call sb_launch come from pools
// that shrink, so threads of ours make all children, and only the end of the process ends them.

#include "clone.h"
#include "supervise.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define STACK_SIZE (256 << 10)
#define GUARD_SIZE (64 << 10) // at least one page on every architecture

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_came = PTHREAD_COND_INITIALIZER;
static pthread_cond_t work_done = PTHREAD_COND_INITIALIZER;
static struct sb_clone *first_job;
static int job_count; // in the list
static int thread_count;
static int idle_count; // threads that wait for a job
static pid_t owner;    // the process in which the threads run; a fork does not take them along

int sb_has_brother(const struct sb_configuration *configuration) {
    if (configuration->entered >= 0 || configuration->joined_processes >= 0 || configuration->joined_ipc >= 0) return 1;
    return sb_is_network_owned(configuration);
}

int sb_is_network_owned(const struct sb_configuration *configuration) {
    return configuration->isolation == SB_ISOLATION_SINGLE_USER && configuration->network >= 0;
}

// The namespaces of the program and how it shares memory with who makes it.
static int program_flags(const struct sb_configuration *configuration) {
    // A supervisor and what is only held never execute anything, for which this process would wait.
    int is_own = configuration->held || sb_is_supervised(configuration);
    int flags = SIGCHLD | (is_own ? 0 : CLONE_VM | CLONE_VFORK);
    if (!sb_has_namespaces(configuration) || configuration->entered >= 0) return flags;
    flags |= CLONE_NEWNS;
    // Of a supervisor the program is in one of its own.
    int is_outside = configuration->joined_processes >= 0 || sb_is_supervised(configuration);
    if (!configuration->shares_processes && !is_outside) flags |= CLONE_NEWPID;
    if (!configuration->shares_names) flags |= CLONE_NEWUTS;
    if (!configuration->shares_ipc && configuration->joined_ipc < 0) flags |= CLONE_NEWIPC;
    if (configuration->new_network) flags |= CLONE_NEWNET;
    if (configuration->isolation != SB_ISOLATION_SINGLE_USER) return flags;
    // To map its identity the child makes its memory dumpable; where ours is not, it gets a copy.
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1) flags &= ~(CLONE_VM | CLONE_VFORK);
    return configuration->network >= 0 ? flags : flags | CLONE_NEWUSER;
}

static int clone_flags(const struct sb_configuration *configuration) {
    int is_brother = sb_has_brother(configuration);
    return CLONE_PIDFD | (is_brother ? CLONE_VM | CLONE_VFORK | SIGCHLD : program_flags(configuration));
}

static int run_child(void *child) { sb_child_main(child); }
static int run_brother(void *child) { sb_brother_main(child); }

// Its own stack is the lower half of the one that the caller is on; the caller waits until the brother has executed its
// program or ended.
int sb_clone_brother(struct sb_child *child) {
    int pid = clone(run_brother, child->brother_stack, CLONE_PARENT | program_flags(child->configuration), child);
    if (pid < 0) return -1;
    char message[1 + sizeof pid] = "P";
    memcpy(message + 1, &pid, sizeof pid);
    return write(child->report, message, sizeof message) == sizeof message ? 0 : -1;
}

#if defined(__x86_64__) || defined(__aarch64__)
// clone3 with a stack, on which the child continues in `run_child`: the C library keeps its own to itself.
static long clone3_on_stack(struct clone_args *arguments, void *child) {
#if defined(__x86_64__)
    long result = SYS_clone3;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %[child], %%rdi\n\t"
                     "call *%[function]\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(result)
                     : "D"(arguments), "S"(sizeof *arguments), [function] "r"(run_child), [child] "r"(child)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long number __asm__("x8") = SYS_clone3;
    register struct clone_args *first __asm__("x0") = arguments;
    register size_t second __asm__("x1") = sizeof *arguments;
    register long result __asm__("x0");
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, %[child]\n\t"
                     "blr %[function]\n\t"
                     "brk #1\n"
                     "1:"
                     : "=r"(result)
                     : "r"(number), "0"(first), "r"(second), [function] "r"(run_child), [child] "r"(child)
                     : "memory", "x30");
    return result;
#endif
}

// Into the control group from the beginning: moving a process there later makes the kernel wait for all processors.
static int clone_into(int group, struct sb_clone *job, char *stack) {
    struct clone_args arguments = {
        .flags = (uint64_t)(clone_flags(job->child->configuration) & ~SIGCHLD) | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)&job->pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_SIZE,
        .cgroup = (uint64_t)group,
    };
    job->child->device_group = 1;
    long pid = clone3_on_stack(&arguments, job->child);
    job->pid = pid < 0 ? -1 : (pid_t)pid;
    return pid < 0 ? -1 : 0;
}
#else
static int clone_into(int group, struct sb_clone *job, char *stack) {
    (void)group, (void)job, (void)stack;
    return -1;
}
#endif

static int wants_group(const struct sb_configuration *configuration) {
    const uint64_t administrator = (uint64_t)1 << 21; // CAP_SYS_ADMIN may have every device
    return configuration->isolation == SB_ISOLATION_FULL && configuration->entered < 0 && !configuration->held &&
           !(configuration->capabilities & administrator);
}

static void clone_now(struct sb_clone *job, char *stack) {
    int report = job->child->report; // the child may move its own
    job->child->brother_stack = stack + STACK_SIZE / 2;
    int own = job->child->configuration->control_group;
    int group = own >= 0 ? own : wants_group(job->child->configuration) ? sb_device_group() : -1;
    job->pidfd = -1;
    if (group < 0 || clone_into(group, job, stack) != 0) {
        // The mounts of a process that is entered may rely on its group: no other process must be on them without it.
        if (own >= 0 && job->child->configuration->entered >= 0) {
            job->error = errno;
            job->pid = -1;
            close(report);
            return;
        }
        if (group >= 0 && group != own) sb_device_group_is_unusable();
        job->child->device_group = 0;
        int flags = clone_flags(job->child->configuration);
        job->pid = clone(run_child, stack + STACK_SIZE, flags, job->child, &job->pidfd);
    }
    job->error = errno;
    close(report);
}

static char *make_stack(void) {
    char *memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    mprotect(memory, GUARD_SIZE, PROT_NONE);
    return memory + GUARD_SIZE;
}

static void *serve(void *stack) {
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (first_job == NULL) pthread_cond_wait(&work_came, &mutex);
        struct sb_clone *job = first_job;
        first_job = job->next;
        job_count--;
        idle_count--;
        pthread_mutex_unlock(&mutex);
        job->child->signals_on_death = 1;
        clone_now(job, stack);
        pthread_mutex_lock(&mutex);
        idle_count++;
        job->is_done = 1;
        pthread_cond_broadcast(&work_done);
    }
    return NULL;
}

// Starts a thread with all signals blocked: it must run no handler, and the child inherits the mask. Holds the mutex.
static int start_thread(void) {
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    char *stack = make_stack();
    if (stack == NULL) return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int result = pthread_create(&thread, &attributes, serve, stack);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) munmap(stack - GUARD_SIZE, GUARD_SIZE + STACK_SIZE);
    return result;
}

// Makes sure that some thread will take one more job, at once if there can be one more thread. Holds the mutex.
static int have_thread(void) {
    if (owner != getpid()) {
        owner = getpid();
        first_job = NULL;
        job_count = thread_count = idle_count = 0;
    }
    if (idle_count <= job_count && start_thread() == 0) {
        thread_count++;
        idle_count++;
    }
    return thread_count > 0 ? 0 : -1;
}

int sb_clone_begin(struct sb_clone *job) {
    pthread_mutex_lock(&mutex);
    if (have_thread() != 0) {
        pthread_mutex_unlock(&mutex);
        errno = EAGAIN;
        return -1;
    }
    job->is_done = 0;
    job->next = NULL;
    struct sb_clone **last = &first_job;
    while (*last != NULL) last = &(*last)->next;
    *last = job;
    job_count++;
    pthread_cond_signal(&work_came);
    pthread_mutex_unlock(&mutex);
    return 0;
}

pid_t sb_clone_end(struct sb_clone *job) {
    pthread_mutex_lock(&mutex);
    while (!job->is_done) pthread_cond_wait(&work_done, &mutex);
    pthread_mutex_unlock(&mutex);
    errno = job->error;
    return job->pid;
}
