internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// What programs do that emulated system calls could break on, and kernels that emulate nothing.
@Suite(
    "The emulation of system calls",
    .enabled(if: Machine.canRun && Machine.has("setpriv") && Machine.has("unshare"), "\(Machine.needsRoot), setpriv")
)
struct EmulationFaultTests {
    private static let places: [UnprivilegedPlace] = [
        .subordinateUsers, .singleUser, .defaultContainer, .traced,
    ]

    /// A static program that asks for users and owners from everywhere at once, and for files by strange names.
    private static let program = #"""
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdatomic.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <sys/wait.h>
        #include <unistd.h>

        static atomic_int wrong;
        #define CHECK(condition) if (!(condition)) fprintf(stderr, "%d: %s: %s\n", __LINE__, #condition, strerror(errno)), wrong++

        static void tick(int signal) { (void)signal; }

        static void *work(void *argument) {
            const unsigned user = 1000 + (unsigned)(size_t)argument;
            char name[64];
            for (unsigned round = 0; round < 40; round++) {
                struct stat status;
                snprintf(name, sizeof name, "/flood/%u-%u", user, round);
                int file = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
                CHECK(file >= 0 && fchown(file, user, round) == 0);
                CHECK(fstat(file, &status) == 0 && status.st_uid == user && status.st_gid == round);
                close(file);
                CHECK(stat(name, &status) == 0 && status.st_uid == user && status.st_gid == round);
                CHECK(getuid() == 0 && access("/proc/self/status", R_OK) == 0);
            }
            return NULL;
        }

        static void flood(void) {
            struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
            struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
            pthread_t threads[12];
            CHECK(mkdir("/flood", 0755) == 0);
            sigaction(SIGALRM, &action, NULL);
            setitimer(ITIMER_REAL, &often, NULL);
            for (size_t index = 0; index < 12; index++) CHECK(pthread_create(&threads[index], NULL, work, (void *)index) == 0);
            for (int round = 0; round < 40; round++) {
                int status = -1;
                pid_t child = vfork();
                if (child == 0) _exit(getuid() != 0);
                CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
                unsigned long long arguments[8] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0};
                child = (pid_t)syscall(435 /* clone3 */, arguments, sizeof arguments);
                if (child == 0) _exit(geteuid() != 0);
                CHECK(child > 0 ? waitpid(child, &status, 0) == child && status == 0 : errno == ENOSYS);
            }
            for (size_t index = 0; index < 12; index++) pthread_join(threads[index], NULL);
            setitimer(ITIMER_REAL, &never, NULL);
        }

        static void paths(void) {
            char path[8192] = "", part[201];
            struct stat status;
            memset(part, 'd', 200);
            part[200] = 0;
            while (strlen(path) + 201 < 4090) {
                strcat(strcat(path, "/"), part);
                CHECK(mkdir(path, 0755) == 0);
            }
            size_t length = strlen(path);
            path[length] = '/';
            memset(path + length + 1, 'f', 4095 - length - 1);
            // The longest path that there is, and one that is too long.
            path[4095] = 0;
            CHECK(open(path, O_CREAT | O_WRONLY, 0600) >= 0 && chown(path, 5, 6) == 0);
            CHECK(stat(path, &status) == 0 && status.st_uid == 5 && lstat(path, &status) == 0 && access(path, R_OK) == 0);
            CHECK(symlink("/proc/self/root/program", "/magic") == 0 && stat("/magic", &status) == 0);
            CHECK(unlink(path) == 0);
        }

        static void names(void) {
            char path[4097], text[64] = "";
            struct stat status;
            int file;
            memset(path, '/', 4000);
            memset(path + 4000, 'f', 96);
            path[4096] = 0;
            CHECK(stat(path, &status) != 0 && errno == ENAMETOOLONG);
            CHECK(chown(path, 1, 1) != 0 && errno == ENAMETOOLONG);
            CHECK(open(path, O_CREAT | O_WRONLY, 0600) < 0 && errno == ENAMETOOLONG);
            CHECK(stat((char *)1, &status) != 0 && errno == EFAULT);
            CHECK(stat("/program", (struct stat *)1) != 0 && errno == EFAULT);

            CHECK(symlink("/proc/self/status", "/state") == 0 && (file = open("/state", O_RDONLY)) >= 0);
            CHECK(read(file, text, sizeof text - 1) > 0 && strncmp(text, "Name:", 5) == 0);
            CHECK(symlink("../../../../../../../../../program", "/up") == 0 && stat("/up", &status) == 0);
            CHECK(symlink("/loop", "/loop") == 0 && stat("/loop", &status) != 0 && errno == ELOOP);
            CHECK(stat("/proc/self/nothing", &status) != 0 && errno == ENOENT);
        }

        static void execute(void) {
            char path[64];
            char *arguments[] = {"program", "end", NULL};
            int file = open("/program", O_RDONLY);
            snprintf(path, sizeof path, "/proc/self/fd/%d", file);
            execve(path, arguments, NULL);
            CHECK(!"executed");
        }

        int main(int count, char **arguments) {
            const char *what = count > 1 ? arguments[1] : "";
            if (strcmp(what, "flood") == 0) flood();
            if (strcmp(what, "names") == 0) names();
            if (strcmp(what, "paths") == 0) paths();
            if (strcmp(what, "execute") == 0) execute();
            if (strcmp(what, "id") == 0) printf("%d\n", (int)geteuid());
            if (strcmp(what, "end") == 0) printf("executed\n");
            return wrong != 0;
        }
        """#

    @Test(
        "withstands threads, vfork, clone3 and signals, the longest paths, links into /proc, and programs named there",
        .enabled("needs a C compiler") { Machine.has("cc") },
        arguments: places
    )
    func program(place: UnprivilegedPlace) async throws {
        guard try await place.isAvailable() else {
            print("skipped: there is no isolation `\(place.name)` here")
            return
        }
        try await BuildFixture.with { f in
            let source = f.scratch.appending("program.c").string
            try Data(Self.program.utf8).write(to: URL(fileURLWithPath: source))
            let output = f.context.appending("program").string
            let compiled = try await Machine.run(
                ["cc", "-static", "-pthread", "-O1", "-o", output, source],
                in: f.scratch
            )
            try #require(compiled.status == 0, "\(compiled)")
            try await place.importBase(f)
            let file = try f.dockerfile(
                """
                FROM base
                COPY program /program
                RUN ["/program", "flood"]
                RUN ["/program", "names"]
                RUN ["/program", "paths"]
                RUN ["/program", "execute"]
                RUN chown 70 /program && chmod 4755 /program
                USER 1234
                RUN /program id >/tmp/id
                """
            )
            let result = try await place.run(f, ["-t", "made", "-f", file, "."])
            try #require(result.status == 0, "\(result)")
            #expect(result.errors.contains("\nexecuted\n"), "\(result)")
            let id = try await place.run(f, ["cat", "made:/tmp/id"]).line
            // Set-user-ID programs have no effect where users are emulated or no new privileges can be had.
            #expect(id == (place.name == "userns" ? "70" : "1234"))
            let run = try await place.run(f, ["cp", "made:/program", f.scratch.appending("copied").string])
            #expect(run.status == 0, "\(run)")
        }
    }

    @Test(
        "makes no sockets but local ones with --network=none where there are no namespaces",
        arguments: [UnprivilegedPlace.defaultContainer, .traced]
    )
    func network(place: UnprivilegedPlace) async throws {
        guard try await place.isAvailable() else {
            print("skipped: there is no isolation `\(place.name)` here")
            return
        }
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let file = try f.dockerfile(
                """
                FROM base
                RUN nc 127.0.0.1 1 2>/open; true
                RUN --network=none nc 127.0.0.1 1 2>/closed; nc ::1 1 2>>/closed; logger -s local 2>/local; true
                """
            )
            let result = try await place.run(f, ["-q", "-t", "made", "-f", file, "."])
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            #expect(try image.text("/open").contains("refused"))
            let lines = try image.text("/closed").split(separator: "\n")
            #expect(lines.count { $0.contains("not supported by protocol") } == 2, "\(lines)")
            #expect(try image.text("/local").contains("local"))
        }
    }

    @Test(
        "writes nothing to the disk because a program syncs a copied root, but what is in a cache",
        arguments: [UnprivilegedPlace.defaultContainer, .traced]
    )
    func syncs(place: UnprivilegedPlace) async throws {
        guard try await place.isAvailable() else {
            print("skipped: there is no isolation `\(place.name)` here")
            return
        }
        try await BuildFixture.with { f in
            try await place.importBase(f)
            // A pipe cannot be synced, and dd says so where it is asked.
            let sync = "if (set -o pipefail; echo a | dd conv=fsync 2>/dev/null | cat); then echo no; else echo yes; fi"
            let file = try f.dockerfile(
                """
                FROM base
                RUN (\(sync)) | tail -n 1 >/root-is-synced
                RUN --mount=type=cache,target=/cache (\(sync)) | tail -n 1 >/cache-is-synced
                """
            )
            let result = try await place.run(f, ["-q", "-t", "made", "-f", file, "."])
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            #expect(try image.text("/root-is-synced") == "no\n")
            #expect(try image.text("/cache-is-synced") == "yes\n")
        }
    }

    /// A system call that the kernel refuses: its number, an argument with its value (`&` for bits), and the error.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Pairs of instructions for Python: what a filter of the kernel's says.
        let rules: String
    }

    /// One that every user may execute.
    private static let python = "/usr/bin/python3"

    private static let noFilters = Refusal(testDescription: "no filters", rules: "[(317, None, 0, 0, 38)]")
    /// Before Linux 5.0: neither `SECCOMP_GET_NOTIF_SIZES` nor `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
    private static let noListener = Refusal(
        testDescription: "no user notification",
        rules: "[(317, 0, 3, '=', 22), (317, 1, 8, '&', 22)]"
    )
    /// Before Linux 5.9: no `SECCOMP_IOCTL_NOTIF_ADDFD`.
    private static let noAddition = Refusal(
        testDescription: "no files by user notification",
        rules: "[(16, 1, 0x40182103, '=', 22)]"
    )
    private static let noTracing = Refusal(testDescription: "no tracing", rules: "[(101, None, 0, 0, 1)]")

    /// Installs a filter, and executes the rest of its arguments.
    private static let refuser = """
        import ctypes, os, struct, sys
        rules = eval(sys.argv[1])
        code = []
        for number, argument, value, how, error in rules:
            part = []
            if argument is not None:
                part += [(0x20, 0, 0, 16 + 8 * argument), (0x45 if how == '&' else 0x15, 0, 1, value)]
            part += [(0x06, 0, 0, 0x00050000 | error)]
            code += [(0x20, 0, 0, 0), (0x15, 0, len(part), number)] + part
        code += [(0x06, 0, 0, 0x7fff0000)]
        program = b''.join(struct.pack('HBBI', *line) for line in code)
        buffer = ctypes.create_string_buffer(program, len(program))
        header = struct.pack('HxxxxxxP', len(code), ctypes.addressof(buffer))
        library = ctypes.CDLL(None, use_errno=True)
        library.prctl(38, 1, 0, 0, 0)
        if library.prctl(22, 2, ctypes.create_string_buffer(header, len(header)), 0, 0) != 0:
            sys.exit(f'no filter: {ctypes.get_errno()}')
        os.execvp(sys.argv[2], sys.argv[2:])
        """

    /// What a build says where a level, or any, lacks something of the kernel.
    struct Lack: Sendable, CustomTestStringConvertible {
        let refusal: Refusal
        let place: UnprivilegedPlace?
        /// What the build says; `nil` where it works as if nothing were missing.
        let sentence: String?
        var testDescription: String { "\(place?.name ?? "full"), \(refusal.testDescription)" }
    }

    private static let lacks = [
        Lack(refusal: noFilters, place: nil, sentence: "could not install the filter of system calls"),
        Lack(refusal: noFilters, place: .singleUser, sentence: "could not install the filter of system calls"),
        Lack(refusal: noFilters, place: .defaultContainer, sentence: "could not install the filter of system calls"),
        Lack(refusal: noFilters, place: .traced, sentence: "a tracer: "),
        Lack(refusal: noListener, place: nil, sentence: nil),
        Lack(refusal: noListener, place: .singleUser, sentence: "user notification"),
        Lack(refusal: noListener, place: .defaultContainer, sentence: "user notification"),
        Lack(refusal: noListener, place: .traced, sentence: "a tracer: "),
        Lack(refusal: noAddition, place: nil, sentence: nil),
        Lack(refusal: noAddition, place: .singleUser, sentence: "user notification"),
        Lack(refusal: noAddition, place: .defaultContainer, sentence: "user notification"),
        Lack(refusal: noTracing, place: .traced, sentence: "a tracer: "),
    ]

    @Test(
        "says what the kernel lacks and what helps, or does without",
        .enabled("needs python3") { access(python, X_OK) == 0 },
        arguments: lacks
    )
    func lack(_ lack: Lack) async throws {
        try await BuildFixture.with { f in
            if let place = lack.place { try await place.importBase(f) } else { try await f.importBase() }
            let file = try f.dockerfile(
                "FROM base\nRUN mkdir /d && chown 7:8 /d && stat -c %u:%g /d >/seen && echo x >/d/f && cat /proc/self/comm >>/seen"
            )
            let wrapper = try lack.place?.wrapper(f.scratch) ?? []
            let result = try await RunningCommand(
                wrapper + [
                    Self.python, "-c", Self.refuser, lack.refusal.rules, Machine.binary.string, "-f", file, ".",
                ],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            ).wait(limit: .seconds(60))
            guard let sentence = lack.sentence else {
                #expect(result.status == 0, "\(result)")
                return
            }
            #expect(result.errors.contains(sentence), "\(result)")
            #expect([0, 1, 3].contains(result.status), "\(result)")
            if result.status == 3 { #expect(result.errors.contains("hint: "), "\(result)") }
        }
    }
}
