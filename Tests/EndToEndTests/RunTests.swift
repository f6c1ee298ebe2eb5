internal import Testing

@Suite("RUN", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct RunTests {
    @Test("what a command changes is its layer, removed files included")
    func layer() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base
                RUN mkdir -m 711 /made && echo text >/made/file && chmod 640 /made/file && chown 7:8 /made/file \\
                    && ln /made/file /made/hard && ln -s file /made/link && mkfifo /made/pipe && \\
                    mkdir /gone /replaced && echo x >/gone/x && echo x >/replaced/x
                RUN rm -r /gone && rm /made/link && rm -r /replaced && mkdir /replaced && echo new >/replaced/only
                """
            )
            #expect(
                image.listing("/made") == [
                    "d711 0:0 /made", "-640 7:8 /made/file", "h /made/hard => /made/file", "p644 0:0 /made/pipe",
                ]
            )
            #expect(image.tree["/gone"] == nil)
            #expect(image.listing("/replaced") == ["d755 0:0 /replaced", "-644 0:0 /replaced/only"])
            #expect(
                image.layers[1].allSatisfy { entry in
                    ["/made", "/gone", "/replaced"].contains { entry.path.hasPrefix($0) } || entry.path == "/"
                }
            )
        }
    }

    @Test("a file that RUN hardly changed keeps its other links and its content")
    func hardLinksBelow() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base
                RUN echo one >/a && ln /a /b
                RUN echo two >>/a
                """
            )
            #expect(try image.text("/a") == "one\ntwo\n")
        }
    }

    @Test("process 1, umask 022, no input, no traces of /etc/hosts, /proc and /sys as empty directories")
    func surroundings() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base
                RUN rmdir /proc /sys /dev || true
                RUN echo $$ >/pid; umask >/umask; cat >/input; echo "1.2.3.4 x" >>/etc/hosts; echo >>/etc/resolv.conf
                RUN ls -A /proc/1/fd | wc -w >/descriptors; test -c /dev/null && test -w /tmp && ls /dev >/devices; grep -c . /proc/mounts
                """
            )
            #expect(try image.text("/pid") == "1\n")
            #expect(try image.text("/umask") == "0022\n")
            #expect(try image.text("/input") == "")
            #expect(image.tree["/etc/hosts"]?.text.contains("1.2.3.4") != true)
            #expect(image.listing("/proc").count <= 1)
            #expect(image.listing("/sys").count <= 1)
            let devices = try image.text("/devices").split(separator: "\n")
            #expect(Set(devices).isSuperset(of: ["null", "zero", "full", "random", "urandom", "tty"]))
            #expect(!devices.contains("kmsg") && !devices.contains { $0.hasPrefix("vd") || $0.hasPrefix("sd") })
            #expect(image.listing("/dev").filter { $0.hasPrefix("c") } == [])
        }
    }

    @Test("no capability beyond Docker's default set, and the masked files of /proc are empty")
    func privileges() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base
                RUN grep CapEff /proc/self/status >/capabilities; cat /proc/kcore | head -c 1 | wc -c >/kcore; \\
                    (mount -t tmpfs x /mnt || mkdir -p /mnt && mount -t tmpfs x /mnt) 2>/dev/null && echo mounted >/mounted; \\
                    (echo 1 >/proc/sys/kernel/sysrq) 2>/dev/null && echo written >/written; true
                """
            )
            #expect(try image.text("/capabilities").hasSuffix("00000000a80425fb\n"))
            #expect(try image.text("/kcore") == "0\n")
            #expect(image.tree["/mounted"] == nil)
            #expect(image.tree["/written"] == nil)
        }
    }

    @Test("HOME comes from passwd; supplementary groups count only when USER names no group")
    func users() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base
                RUN echo 'app:x:1000:1001::/home/app:/bin/sh' >>/etc/passwd && echo 'extra:x:2000:app' >>/etc/group && \\
                    mkdir -m 777 /out
                USER app
                RUN echo "$HOME $(id -u) $(id -g) $(id -G)" >/out/name
                USER app:extra
                RUN echo "$HOME $(id -u) $(id -g) $(id -G)" >/out/group
                USER 4321
                RUN echo "$HOME $(id -u) $(id -g)" >/out/number
                USER 0
                RUN echo "$HOME $(id -u)" >/out/root
                """
            )
            #expect(try image.text("/out/name") == "/home/app 1000 1001 1001 2000\n")
            #expect(try image.text("/out/group") == "/home/app 1000 2000 2000\n")
            #expect(try image.text("/out/number") == "/ 4321 0\n")
            #expect(try image.text("/out/root") == "/root 0\n")
            #expect(image.tree["/out/name"]?.listing == "-644 1000:1001 /out/name")
            let message = try await f.buildFailing("FROM base\nUSER unheard-of\nRUN true")
            #expect(message.contains("unheard-of"))
        }
    }

    @Test("WORKDIR, ENV, ARG, SHELL and exec form")
    func environment() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                #"""
                FROM base
                ENV E=env
                ARG A=arg
                WORKDIR /workdir
                RUN echo "$PWD $E $A $0" >shell
                RUN ["sh", "-c", "echo \"$E $0\" >exec", "zero"]
                RUN ["touch", "$E"]
                SHELL ["/bin/sh", "-e", "-c"]
                RUN echo $- >flags
                ARG E=override
                RUN echo $E >after
                """#
            )
            #expect(try image.text("/workdir/shell") == "/workdir env arg /bin/sh\n")
            #expect(try image.text("/workdir/exec") == "env zero\n")
            #expect(image.tree["/workdir/$E"] != nil)
            #expect(try image.text("/workdir/flags").contains("e"))
            #expect(try image.text("/workdir/after") == "override\n")
            #expect(image.environment.contains("E=env"))
            #expect(
                image.configuration["history"].elements.contains { $0["created_by"].text?.contains("A=arg") == true }
            )
        }
    }

    @Test("heredocs: the body as a script, with an interpreter, and left to the shell")
    func heredocs() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build(
                """
                FROM base
                ENV V=value
                RUN <<EOF
                echo "$V" >/one
                echo two >/two
                EOF
                RUN <<SCRIPT
                #!/bin/sh -e
                echo "$0 $-" >/script
                SCRIPT
                RUN cat <<A >/a && cat <<"B" >/b
                $V
                A
                $V
                B
                """
            )
            #expect(try image.text("/one") == "value\n")
            #expect(try image.text("/two") == "two\n")
            #expect(try image.text("/script") == "/dev/pipes/SCRIPT e\n")
            #expect(try image.text("/a") == "value\n")
            #expect(try image.text("/b") == "$V\n")
            #expect(image.tree["/dev/pipes"] == nil)
        }
    }

    @Test("--network=none has only the loopback interface")
    func network() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build("FROM base\nRUN --network=none ls /sys/class/net >/interfaces")
            #expect(try image.text("/interfaces") == "lo\n")
        }
    }

    @Test("--chown with a name that a RUN added")
    func chownAfterRun() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("file")
            let image = try await f.build(
                "FROM base\nRUN echo 'app:x:1234:1234::/:/bin/sh' >>/etc/passwd\nCOPY --chown=app:users file /file"
            )
            #expect(image.tree["/file"]?.listing == "-644 1234:100 /file")
        }
    }

    @Test("a COPY onto what RUN made follows its links, and RUN sees what COPY wrote")
    func alternate() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("file", "text")
            let image = try await f.build(
                """
                FROM base
                RUN mkdir -p /data/v1 && ln -s v1 /data/current
                COPY file /data/current/file
                RUN cat /data/v1/file >/seen
                COPY --from=0 /seen /seen-again
                """.replacing("COPY --from=0 /seen /seen-again", with: "LABEL end=yes")
            )
            #expect(try image.text("/seen") == "text")
        }
    }

    @Test("a failing command shows its line, its command, its last output and its exit code")
    func failure() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let message = try await f.buildFailing(
                "FROM base\n\nRUN echo to-output && \\\n    echo to-errors >&2 && exit 42\nRUN true"
            )
            #expect(message.contains(":3"))
            #expect(message.contains("echo to-output"))
            #expect(message.contains("to-errors"))
            #expect(message.contains("exit code 42") || message.contains("exit code: 42"))
            #expect(!message.contains("Successfully"))
            #expect(try await f.succeed("images").outputText.split(separator: "\n").count == 2)
            try await f.succeed("-f", try f.dockerfile("FROM base\nRUN true"), ".")
        }
    }

    @Test("a command killed by a signal and one that does not exist", arguments: ["kill -9 $$", "/no/such/program"])
    func failures(command: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let message = try await f.buildFailing("FROM base\nRUN sh -c '\(command)'; exit $?")
            #expect(message.contains(command.hasPrefix("kill") ? "137" : "127"))
            let missing = try await f.buildFailing("FROM base\nRUN [\"/no/such/program\"]")
            #expect(missing.contains("/no/such/program"))
        }
    }

    @Test("a directory that replaces another one is in the layer with all that is in it, also what was there before")
    func replacedDirectory() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build("FROM base\nRUN mv /var /old && mkdir /var && cp -a /old/log /old/tmp /var/")
            #expect(image.listing("/var") == ["d755 0:0 /var", "d755 0:0 /var/log", "d1777 0:0 /var/tmp"])
        }
    }

    @Test("an image with equal layers can be built on and run")
    func equalLayers() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "a")
            let twice = "FROM base\nRUN true\nCOPY a /a\nRUN rm /a\nRUN true 2\nCOPY a /a\n"
            _ = try await f.build(twice)
            let image = try await f.build(twice + "RUN cat /a > /b")
            #expect(try image.text("/b") == "a")
            let result = try await f.succeed("run", "image-under-test", "cat", "/b")
            #expect(result.outputText == "a")
        }
    }

    @Test("a command on scratch fails like any command that is not there")
    func scratch() async throws {
        try await BuildFixture.with { f in
            let message = try await f.buildFailing("FROM scratch\nRUN true")
            #expect(message.contains(":2:1: error:") && message.contains("127"))
        }
    }

    @Test("all output is shown, however long")
    func longOutput() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let image = try await f.build("FROM base\nRUN seq 1 20000; printf 'no line end'")
            #expect(image.transcript.contains("\n20000\n"))
            #expect(image.transcript.contains("\n10000\n"))
            #expect(image.transcript.contains("no line end"))
        }
    }

    @Test("twenty RUN true take well under a second")
    func many() async throws {
        try await BuildFixture.with(.all) { f in
            try await f.importBase()
            _ = try await f.build("FROM base\nRUN echo unpacked")
            let commands = (1...20).map { "RUN true \($0)" }.joined(separator: "\n")
            let clock = ContinuousClock()
            let time = try await clock.measure { _ = try await f.build("FROM base\n" + commands) }
            if time < .seconds(1) { return }
            // A debug build on a busy machine; then they must at least be cheaper than as many containers.
            let containers = try await clock.measure {
                for _ in 1...5 { try await f.succeed("run", "--rm", "base", "true") }
            }
            #expect(time < containers * 4, "\(time)")
        }
    }
}
