/// A program that names files in all the ways that a tracer has to know, executes others, and says what is wrong.
enum TracedProgram {
    static let source = #"""
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/inotify.h>
        #include <sys/ptrace.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/statfs.h>
        #include <sys/syscall.h>
        #include <sys/un.h>
        #include <sys/wait.h>
        #include <sys/xattr.h>
        #include <unistd.h>

        static int wrong;
        #define CHECK(condition) if (!(condition)) fprintf(stderr, "%d: %s: %s\n", __LINE__, #condition, strerror(errno)), wrong++

        static int has(const char *path, const char *text) {
            char found[256] = "";
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file < 0) return 0;
            ssize_t length = read(file, found, sizeof found - 1);
            close(file);
            return length >= 0 && strcmp(found, text) == 0;
        }

        static void put(const char *path, const char *text, mode_t mode) {
            int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
            CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
            close(file);
        }

        static void lookups(void) {
            char text[5000];
            struct stat status, other;
            CHECK(mkdir("/l", 0755) == 0 && mkdir("/l/d", 0755) == 0);
            put("/l/d/f", "inside", 0644);
            CHECK(symlink("/l/d", "/l/absolute") == 0 && symlink("../../../../../../l/d", "/l/up") == 0);
            CHECK(has("/l/absolute/f", "inside") && has("/l/up/f", "inside") && has("/../../l/d/f", "inside"));
            CHECK(symlink("/l/none", "/l/dangling") == 0 && stat("/l/dangling", &status) < 0 && errno == ENOENT);
            put("/l/dangling", "made", 0600);
            CHECK(has("/l/none", "made") && lstat("/l/dangling", &status) == 0 && S_ISLNK(status.st_mode));
            CHECK(open("/l/dangling", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
            CHECK(open("/l/dangling", O_CREAT | O_EXCL | O_WRONLY, 0600) < 0 && errno == EEXIST);
            CHECK(open("/l/d/f/x", O_RDONLY) < 0 && errno == ENOTDIR);
            CHECK(open("/l/d", O_WRONLY) < 0 && errno == EISDIR);

            CHECK(chdir("/l/absolute") == 0 && getcwd(text, sizeof text) == text && strcmp(text, "/l/d") == 0);
            CHECK(has("f", "inside") && has("./f", "inside") && has("../d/f", "inside") && has("../../../../l/d/f", "inside"));
            CHECK(symlink("/l/d/f", "rel") == 0 && has("rel", "inside"));
            CHECK(syscall(SYS_getcwd, text, 3) < 0 && errno == ERANGE);
            int directory = open("/l", O_PATH | O_DIRECTORY | O_CLOEXEC);
            CHECK(directory >= 0 && (fcntl(directory, F_GETFL) & O_PATH));
            CHECK(openat(directory, "d/f", O_RDONLY) >= 0 && openat(directory, "../l/absolute/f", O_RDONLY) >= 0);
            CHECK(fstatat(directory, "absolute", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode));
            CHECK(fstatat(directory, "", &status, AT_EMPTY_PATH) == 0 && S_ISDIR(status.st_mode));
            CHECK(fchdir(directory) == 0 && getcwd(text, sizeof text) && strcmp(text, "/l") == 0 && has("d/f", "inside"));
            CHECK(mkdirat(directory, "new", 0711) == 0 && stat("/l/new", &status) == 0 && (status.st_mode & 0777) == 0711);
            CHECK(unlinkat(directory, "new", AT_REMOVEDIR) == 0 && access("/l/new", F_OK) < 0 && errno == ENOENT);
            int link = open("/l/dangling", O_PATH | O_NOFOLLOW);
            CHECK(link >= 0 && fstat(link, &status) == 0 && S_ISLNK(status.st_mode));
            CHECK(readlinkat(link, "", text, sizeof text) == 7 && memcmp(text, "/l/none", 7) == 0);
            CHECK(readlink("/l/absolute", text, 2) == 2 && memcmp(text, "/l", 2) == 0);
            CHECK(readlink("/l/d", text, sizeof text) < 0 && errno == EINVAL);
            CHECK(readlink("/proc/self/cwd", text, sizeof text) == 2 && memcmp(text, "/l", 2) == 0);
            snprintf(text, sizeof text, "/proc/self/fd/%d/d/f", directory);
            CHECK(has(text, "inside") && has("/proc/self/cwd/d/f", "inside") && has("/proc/self/root/l/d/f", "inside"));
            CHECK(stat("/proc/self/cwd/..", &status) == 0 && stat("/", &other) == 0 && status.st_ino == other.st_ino);
            CHECK(readlink("/proc/self/exe", text, sizeof text) > 0 && strncmp(text, "/program", 8) == 0);
            CHECK(stat("/proc/self/exe", &status) == 0 && stat("/program", &other) == 0 && status.st_ino == other.st_ino);
            CHECK(chdir("/l/d/f") < 0 && errno == ENOTDIR && chdir("/nowhere") < 0 && errno == ENOENT);
            CHECK(chdir("/proc/self") == 0 && has("comm", "program\n") && chdir("/") == 0);
            umask(077);
            put("/l/masked", "", 0666);
            CHECK(stat("/l/masked", &status) == 0 && (status.st_mode & 0777) == 0600);
            umask(022);
        }

        static void changes(void) {
            struct stat status, other;
            char text[64];
            CHECK(mkdir("/c", 0755) == 0 && mkdir("/c/1", 0755) == 0 && mkdir("/c/2", 0755) == 0);
            put("/c/1/a", "a", 0644);
            CHECK(rename("/c/1/a", "/c/2/b") == 0 && has("/c/2/b", "a") && access("/c/1/a", F_OK) < 0);
            CHECK(link("/c/2/b", "/c/1/h") == 0 && stat("/c/1/h", &status) == 0 && status.st_nlink == 2);
            put("/c/1/other", "other", 0644);
            CHECK(syscall(SYS_renameat2, AT_FDCWD, "/c/1/other", AT_FDCWD, "/c/1/h", 1) < 0 && errno == EEXIST);
            CHECK(syscall(SYS_renameat2, AT_FDCWD, "/c/1/other", AT_FDCWD, "/c/2/b", 2) == 0 && has("/c/2/b", "other"));
            CHECK(symlink("/c/2/b", "/c/s") == 0 && link("/c/s", "/c/t") == 0 && lstat("/c/t", &status) == 0 && S_ISLNK(status.st_mode));
            CHECK(linkat(AT_FDCWD, "/c/s", AT_FDCWD, "/c/u", AT_SYMLINK_FOLLOW) == 0 && lstat("/c/u", &status) == 0 && S_ISREG(status.st_mode));
            CHECK(rename("/c/1/", "/c/3/") == 0 && stat("/c/3", &status) == 0 && rmdir("/c/3") < 0 && errno == ENOTEMPTY);
            CHECK(rename("/c/2", "/c/2/x") < 0 && errno == EINVAL && mkdir("/", 0755) < 0 && errno == EEXIST);
            CHECK(chmod("/c/s", 04711) == 0 && stat("/c/2/b", &status) == 0 && (status.st_mode & 07777) == 04711);
            CHECK(truncate("/c/s", 2) == 0 && has("/c/2/b", "ot"));
            struct timespec times[2] = {{1000, 5}, {2000, 7}};
            CHECK(utimensat(AT_FDCWD, "/c/s", times, 0) == 0 && stat("/c/2/b", &status) == 0 && status.st_mtim.tv_sec == 2000 && status.st_mtim.tv_nsec == 7);
            CHECK(utimensat(AT_FDCWD, "/c/s", times, AT_SYMLINK_NOFOLLOW) == 0 && lstat("/c/s", &status) == 0 && status.st_mtim.tv_sec == 2000);
            CHECK(setxattr("/c/s", "user.test", "value", 5, 0) == 0 && getxattr("/c/2/b", "user.test", text, sizeof text) == 5);
            CHECK(listxattr("/c/2/b", NULL, 0) > 0 && removexattr("/c/s", "user.test") == 0);
            struct statfs filesystem;
            CHECK(statfs("/c/s", &filesystem) == 0 && filesystem.f_bsize > 0);
            CHECK(statfs("/proc/self", &filesystem) == 0 && filesystem.f_type == 0x9fa0);
            // What root may do although the mode says that nobody may.
            put("/c/closed", "closed", 0);
            CHECK(has("/c/closed", "closed") && access("/c/closed", R_OK | W_OK) == 0);
            put("/c/closed", "again", 0);
            CHECK(has("/c/closed", "again") && stat("/c/closed", &status) == 0 && (status.st_mode & 0777) == 0);
            CHECK(mkdir("/c/fixed", 0555) == 0);
            put("/c/fixed/new", "new", 0644);
            CHECK(mkdir("/c/fixed/d", 0755) == 0 && rename("/c/fixed/new", "/c/fixed/d/new") == 0 && rename("/c/fixed/d", "/c/fixed/e") == 0);
            CHECK(unlink("/c/fixed/e/new") == 0 && rmdir("/c/fixed/e") == 0 && stat("/c/fixed", &status) == 0 && (status.st_mode & 0777) == 0555);
            int temporary = open("/c", O_TMPFILE | O_RDWR, 0644);
            snprintf(text, sizeof text, "/proc/self/fd/%d", temporary);
            CHECK(temporary >= 0 && linkat(AT_FDCWD, text, AT_FDCWD, "/c/published", AT_SYMLINK_FOLLOW) == 0);
            CHECK(stat("/c/published", &status) == 0 && fstat(temporary, &other) == 0 && status.st_ino == other.st_ino);
            int queue = inotify_init1(IN_NONBLOCK);
            CHECK(queue >= 0 && inotify_add_watch(queue, "/c", IN_CREATE) >= 0);
            put("/c/watched", "", 0644);
            char event[512];
            CHECK(read(queue, event, sizeof event) > 0);
        }

        static void devices(void) {
            char text[16];
            int file = open("/dev/zero", O_RDONLY);
            CHECK(file >= 0 && read(file, text, sizeof text) == sizeof text && text[3] == 0);
            CHECK(symlink("/dev/null", "/null") == 0 && (file = open("/null", O_WRONLY | O_CREAT | O_TRUNC, 0644)) >= 0);
            struct stat status;
            CHECK(write(file, "x", 1) == 1 && fstat(file, &status) == 0 && S_ISCHR(status.st_mode));
            CHECK(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode) && access("/dev/urandom", R_OK) == 0);
            CHECK(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
            CHECK(mkfifo("/pipe", 0644) == 0);
            for (int round = 0; round < 20; round++) {
                pid_t child = fork();
                if (child == 0) {
                    file = open("/pipe", O_WRONLY);
                    _exit(write(file, "through", 7) != 7);
                }
                file = open("/pipe", O_RDONLY);
                int end;
                CHECK(read(file, text, sizeof text) == 7 && waitpid(child, &end, 0) == child && end == 0);
                close(file);
            }
        }

        static void sockets(void) {
            struct sockaddr_un address = {.sun_family = AF_UNIX}, told;
            socklen_t length = sizeof told;
            CHECK(mkdir("/s", 0755) == 0 && symlink("/s", "/alias") == 0);
            strcpy(address.sun_path, "/alias/socket");
            int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
            CHECK(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 5) == 0);
            struct stat status;
            CHECK(stat("/s/socket", &status) == 0 && S_ISSOCK(status.st_mode));
            CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
            struct ucred who;
            socklen_t size = sizeof who;
            int accepted = accept(server, NULL, NULL);
            CHECK(accepted >= 0 && getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid == getpid());
            CHECK(getpeername(client, (struct sockaddr *)&told, &length) == 0 && told.sun_path[0] == '/');
            CHECK(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) < 0 && errno == EADDRINUSE);
            // As long as it may be, and relative.
            CHECK(chdir("/s") == 0);
            memset(address.sun_path, 'n', 100);
            address.sun_path[100] = 0;
            server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
            CHECK(bind(server, (struct sockaddr *)&address, sizeof address) == 0);
            CHECK(sendto(client, "datagram", 8, 0, (struct sockaddr *)&address, sizeof address) == 8);
            char text[16];
            CHECK(recv(server, text, sizeof text, 0) == 8);
            strcpy(address.sun_path, "/s/none");
            CHECK(connect(client, (struct sockaddr *)&address, sizeof address) < 0 && errno == ENOENT);
            CHECK(chdir("/") == 0);
        }

        static void longest(void) {
            char path[8192] = "", part[201], text[4096];
            struct stat status;
            memset(part, 'd', 200);
            part[200] = 0;
            while (strlen(path) + 201 < 3900) {
                strcat(strcat(path, "/"), part);
                CHECK(mkdir(path, 0755) == 0);
            }
            CHECK(chdir(path) == 0);
            put("f", "far", 0644);
            CHECK(has("f", "far") && has("../../dddddddddd/f", "far") == 0);
            strcat(path, "/f");
            CHECK(has(path, "far") && chown(path, 5, 6) == 0 && stat(path, &status) == 0 && status.st_uid == 5);
            CHECK(chmod(path, 0600) == 0 && rename(path, "/near") == 0 && has("/near", "far"));
            (void)text;
            CHECK(chdir("/") == 0);
        }

        static char *output_of(const char *command) {
            static char text[512];
            FILE *pipe = popen(command, "r");
            size_t length = fread(text, 1, sizeof text - 1, pipe);
            text[length] = 0;
            pclose(pipe);
            return text;
        }

        static int status_of(char *const *arguments) {
            int status;
            pid_t child = vfork();
            if (child == 0) {
                execv(arguments[0], arguments);
                _exit(errno);
            }
            waitpid(child, &status, 0);
            return WEXITSTATUS(status);
        }

        static void programs(void) {
            CHECK(mkdir("/p", 0755) == 0);
            put("/p/1", "#! /program  arguments with one\n", 0755);
            put("/p/2", "#!/p/1\n", 0755);
            put("/p/3", "#!/p/2 two", 0755);
            CHECK(strcmp(output_of("/p/1 a 'b c'"), "[/program][arguments with one][/p/1][a][b c]") == 0);
            CHECK(symlink("/p/3", "/p/link") == 0);
            CHECK(strcmp(output_of("cd /p; ./link x"), "[/program][arguments with one][/p/1][/p/2][two][./link][x]") == 0);
            put("/p/none", "#!/nowhere\n", 0755);
            put("/p/text", "echo\n", 0755);
            put("/p/plain", "#!/bin/sh\n", 0644);
            put("/p/loop", "#!/p/loop\n", 0755);
            put("/p/32", "\x7f" "ELF\1\1\1", 0755);
            CHECK(status_of((char *[]){"/p/none", NULL}) == ENOENT && status_of((char *[]){"/p/text", NULL}) == ENOEXEC);
            CHECK(status_of((char *[]){"/p/plain", NULL}) == EACCES && status_of((char *[]){"/p/loop", NULL}) == ELOOP);
            CHECK(status_of((char *[]){"/p/32", NULL}) == ENOEXEC && status_of((char *[]){"/p", NULL}) == EACCES);
            // Many arguments, and a program by its descriptor.
            char *many[5003] = {"/program", "count"};
            for (int index = 2; index < 5002; index++) many[index] = "argument";
            CHECK(status_of(many) == 5002 % 251);
            many[0] = "/p/1";
            pid_t child = fork();
            int status, file = open("/program", O_RDONLY);
            if (child == 0) {
                fexecve(file, (char *[]){"other name", "name", NULL}, (char *[]){"X=y", NULL});
                _exit(99);
            }
            CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
            CHECK(fork() != 0 || (execv("/proc/self/exe", (char *[]){"x", "name", NULL}), _exit(99), 0));
            CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 7);
            CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM);
        }

        static void *execute(void *argument) {
            (void)argument;
            execl("/program", "program", "name", NULL);
            return NULL;
        }

        static void *wait_long(void *argument) { return pause(), argument; }

        static void threads(void) {
            int status;
            for (int round = 0; round < 20; round++) {
                pid_t child = fork();
                if (child == 0) {
                    pthread_t thread;
                    pthread_create(&thread, NULL, wait_long, NULL);
                    pthread_create(&thread, NULL, execute, NULL);
                    pause();
                }
                CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
            }
            pid_t child = fork();
            if (child == 0) for (;;) access("/", F_OK);
            CHECK(kill(child, SIGSTOP) == 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
            CHECK(kill(child, SIGCONT) == 0 && waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
            CHECK(kill(child, SIGTERM) == 0 && waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGTERM);
        }

        int main(int count, char **arguments) {
            const char *what = count > 1 ? arguments[1] : "";
            if (strncmp(what, "arguments", 9) == 0) {
                for (int index = 0; index < count; index++) printf("[%s]", arguments[index]);
                return 0;
            }
            if (strcmp(what, "count") == 0) return count % 251;
            if (strcmp(what, "name") == 0) return 7;
            lookups();
            changes();
            devices();
            sockets();
            longest();
            programs();
            threads();
            if (wrong == 0) printf("all right\n");
            return wrong != 0;
        }
        """#
}
