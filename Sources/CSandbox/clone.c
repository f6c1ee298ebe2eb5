// The clone itself, on a thread that never ends.
//
// PR_SET_PDEATHSIG fires when the *thread* that made the child ends. The threads that call sb_launch come from pools
// that shrink, so one thread of ours makes all children, and only the end of the process ends it.

#include "clone.h"

#include <pthread.h>
#include <signal.h>

struct job {
    struct sb_child *child;
    pid_t pid;
    int pidfd;
    int error;
    int is_done;
    struct job *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_came = PTHREAD_COND_INITIALIZER;
static pthread_cond_t work_done = PTHREAD_COND_INITIALIZER;
static struct job *first_job;
static uint64_t ignored_signals; // as they were when the thread started; real-time ones are not ignored later
static pid_t thread_owner; // the process in which the thread runs; a fork does not take it along

static uint64_t clone_flags(const struct sb_configuration *configuration) {
    uint64_t flags = CLONE_PIDFD;
    if (configuration->isolation == SB_ISOLATION_CHROOT) return flags;
    flags |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
    if (configuration->isolation == SB_ISOLATION_USER_NAMESPACE) flags |= CLONE_NEWUSER;
    if (configuration->new_network) flags |= CLONE_NEWNET;
    return flags;
}

// A copy-on-write child, as fork makes it, without what the C library does around a fork.
static pid_t clone_now(struct sb_child *child, int *pidfd) {
    *pidfd = -1;
    uint64_t flags = clone_flags(child->configuration);
    struct clone_args arguments = {.flags = flags, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0 && (errno == ENOSYS || errno == EPERM)) {
        // Filters of container runtimes refuse clone3, whose flags they cannot see. Both argument orders that
        // architectures have put the pidfd third.
        pid = (pid_t)syscall(SYS_clone, (unsigned long)flags | SIGCHLD, NULL, pidfd, NULL, NULL);
    }
    if (pid == 0) sb_child_main(child);
    return pid;
}

static uint64_t find_ignored_signals(void) {
    uint64_t result = 0;
    for (int signal = 1; signal <= 64; signal++) {
        void *action[8] = {0}; // begins with the handler on every architecture but MIPS
        if (syscall(SYS_rt_sigaction, signal, NULL, action, 8) != 0) continue;
        if (action[0] == (void *)SIG_IGN) result |= (uint64_t)1 << (signal - 1);
    }
    return result;
}

static void *serve(void *unused) {
    (void)unused;
    ignored_signals = find_ignored_signals();
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (first_job == NULL) pthread_cond_wait(&work_came, &mutex);
        struct job *job = first_job;
        first_job = job->next;
        pthread_mutex_unlock(&mutex);
        job->child->signals_on_death = 1;
        job->child->ignored = ignored_signals;
        job->pid = clone_now(job->child, &job->pidfd);
        job->error = errno;
        pthread_mutex_lock(&mutex);
        job->is_done = 1;
        pthread_cond_broadcast(&work_done);
    }
    return NULL;
}

// Starts the thread with all signals blocked: it must run no handler, and the child inherits the mask. Holds the mutex.
static int start_thread(void) {
    if (thread_owner == getpid()) return 0;
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int result = pthread_create(&thread, &attributes, serve, NULL);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result == 0) thread_owner = getpid();
    return result;
}

pid_t sb_clone(struct sb_child *child, int *pidfd) {
    struct job job = {.child = child, .pidfd = -1};
    pthread_mutex_lock(&mutex);
    if (start_thread() != 0) {
        pthread_mutex_unlock(&mutex);
        errno = EAGAIN;
        return -1;
    }
    struct job **last = &first_job;
    while (*last != NULL) last = &(*last)->next;
    *last = &job;
    pthread_cond_signal(&work_came);
    while (!job.is_done) pthread_cond_wait(&work_done, &mutex);
    pthread_mutex_unlock(&mutex);
    *pidfd = job.pidfd;
    errno = job.error;
    return job.pid;
}
