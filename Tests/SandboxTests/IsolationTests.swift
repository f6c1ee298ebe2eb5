import FileSystem
import Foundation
import Sandbox
import SystemPackage
import TestSupport
import Testing

@Suite("What is written of isolation")
struct WrittenIsolationTests {
    @Test("is text, and was a number in earlier releases")
    func coding() throws {
        func read(_ text: String) throws -> [SandboxIsolation] {
            try JSONDecoder().decode([SandboxIsolation].self, from: Data(text.utf8))
        }
        #expect(try read("[0, 1, 2]") == [.full, .singleUser, .chroot])
        let text = try JSONEncoder().encode(SandboxIsolation.allCases)
        #expect(try read(String(decoding: text, as: UTF8.self)) == SandboxIsolation.allCases)
        #expect(throws: DecodingError.self) { try read("[7]") }
        #expect(throws: DecodingError.self) { try read("[\"none\"]") }
    }
}

@Suite("Weaker isolation", .needsFullSandbox)
struct IsolationTests {
    /// What an ordinary user may do here, found out in a process of its own that has become one.
    @Test("An ordinary user gets a user namespace with an overlay, or is told what is missing")
    func userNamespace() async {
        await #expect(processExitsWith: .success) {
            #expect(
                setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0
            )
            let machine = SandboxCapabilities.probe(in: ScratchDirectory.parent)
            guard machine.isolation == .singleUser, machine.mountsOverlay else {
                print("skipped: \(machine.limits.map(\.reason)) \(machine.overlayLimit ?? "")")
                #expect(machine.limits.first?.reason.isEmpty == false)
                return
            }
            #expect(machine.limits.first?.reason == "could not create namespaces: operation not permitted")
            try SandboxFixture.with { fixture in
                try fixture.write("gone", to: "lower/etc/gone")
                try fixture.write("old", to: "lower/data/old")
                var configuration = try fixture.configuration(
                    """
                    id -u; id -g; echo x > /etc/new; rm /etc/gone; rm -r /data; mkdir /data; echo y > /dev/null
                    ls /sys/class/net; head -c 1 /dev/zero | cat > /dev/shm/a; cat /etc/resolv.conf /etc/hosts; hostname; echo $$
                    """
                )
                configuration.isolation = .singleUser
                configuration.network = .none
                try fixture.write("nameserver\n", to: "resolv.conf")
                configuration.mounts = [
                    SandboxMount(
                        .bind(fixture.scratch.appending("resolv.conf")),
                        target: "/etc/resolv.conf",
                        isReadOnly: true
                    ),
                    SandboxMount(.content(Array("hosts\n".utf8)), target: "/etc/hosts"),
                ]
                let outcome = try run(configuration)
                #expect(outcome.error == "")
                #expect(outcome.output == "0\n0\nlo\nnameserver\nhosts\nbuildkitsandbox\n1\n")
                let whiteout = try FileStatus.of(fixture.upper.appending("etc/gone"))
                #expect(whiteout.kind == .characterDevice && whiteout.deviceNumber == 0)
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: fixture.upper.appending("data").string
                )
                let extended = attributes[FileAttributeKey("NSFileExtendedAttributes")] as? [String: Data]
                #expect(extended?["user.overlay.opaque"] == Data("y".utf8))
                configuration.user = SandboxUser(userID: 1000, groupID: 1000, supplementaryGroups: [4])
                configuration.network = .host
                configuration.root = .overlay(
                    lower: [fixture.lower],
                    upper: fixture.upper,
                    work: try fixture.freshWork()
                )
                let other = try run(configuration)
                #expect(other.output.hasPrefix("1000\n1000\n"), "\(other)")
            }
        }
    }

    @Test("Another root directory without namespaces runs a program, and leaves no process behind")
    func chroot() throws {
        try SandboxFixture.with { fixture in
            try fixture.write("nameserver\n", to: "resolv.conf")
            try fixture.write("kept\n", to: "lower/etc/hosts")
            var configuration = try fixture.configuration(
                "cat /etc/resolv.conf /etc/hosts /etc/new < /dev/null; pwd; ls /; sleep 1000 & echo $! > /child; kill -0 $!; exit 3"
            )
            configuration.root = .directory(fixture.lower)
            configuration.isolation = .chroot
            configuration.workingDirectory = "/srv"
            let resolver = fixture.scratch.appending("resolv.conf")
            configuration.mounts = [
                SandboxMount(.bind(resolver), target: "/etc/resolv.conf"),
                SandboxMount(.bind(resolver), target: "/etc/hosts"),
                SandboxMount(.content(Array("new\n".utf8)), target: "/etc/new"),
                SandboxMount(.memory(), target: "/run/lock"),
            ]
            let outcome = try run(configuration)
            #expect(outcome.exit == .exited(3))
            #expect(
                outcome.output == "nameserver\nkept\nnew\n/srv\nbin\ndev\netc\nproc\nroot\nrun\nsrv\nsys\ntmp\n",
                "\(outcome)"
            )
            #expect(outcome.created.map(\.path).contains("/etc/resolv.conf"))
            #expect(outcome.created.map(\.path).contains("/dev/null"))
            let child = try String(contentsOfFile: fixture.lower.appending("child").string, encoding: .utf8)
            let number = try #require(Int32(child.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(Self.ends(number))
        }
    }

    @Test("Another root directory without network lets programs make no sockets of the Internet")
    func chrootWithoutNetwork() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration(
                "/bin/busybox timeout 5 /bin/busybox nc -l -p 0 127.0.0.1 < /dev/null"
            )
            configuration.root = .directory(fixture.lower)
            configuration.isolation = .chroot
            configuration.network = .none
            let outcome = try run(configuration)
            #expect(outcome.exit != .exited(0) && outcome.error.contains("socket"), "\(outcome)")
        }
    }

    @Test("A process ends when this program is killed")
    func parentDeath() async throws {
        let report = "sandbox-tests-\(getpid())-child"
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let report = "sandbox-tests-\(getppid())-child"
            try SandboxFixture.with { fixture in
                let process = try SandboxProcess.launch(fixture.configuration("sleep 1000"))
                try "\(process.processID) \(fixture.scratch)".write(
                    toFile: NSTemporaryDirectory() + "/" + report,
                    atomically: true,
                    encoding: .utf8
                )
                raise(SIGKILL)
            }
        }
        let path = NSTemporaryDirectory() + "/" + report
        let parts = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
        try? FileManager.default.removeItem(atPath: path)
        try? FileOperations.removeTree(FilePath(String(parts[1])))
        #expect(Self.ends(try #require(Int32(parts[0]))))
    }

    /// Whether a process that was sent a signal is gone, or dead and waiting to be collected by whoever inherits it.
    private static func ends(_ process: Int32) -> Bool {
        for _ in 0..<1000 {
            guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
                return true
            }
            if status.contains(") Z ") { return true }
            usleep(2000)
        }
        return false
    }

    @Test("A machine that allows everything has nothing to complain about")
    func capabilities() {
        let machine = SandboxCapabilities.probe(in: FilePath(NSTemporaryDirectory()))
        #expect(machine.isolation == .full && machine.mountsOverlay && machine.limits.isEmpty)
        let nowhere = SandboxCapabilities.probe(in: "/proc")
        #expect(nowhere.isolation == nil && nowhere.limits.count == 3)
    }
}
