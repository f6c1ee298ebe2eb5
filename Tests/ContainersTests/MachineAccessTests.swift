internal import Testing

@testable internal import Containers

@Suite("What a container has of the machine")
struct MachineAccessTests {
    private func settings(_ change: (inout ContainerLimits) -> Void) -> [String] {
        var limits = ContainerLimits()
        change(&limits)
        return limits.settings.flatMap { setting in
            ["\(setting.file.name)=\(setting.file.value)"] + setting.old.map { "v1 \($0.name)=\($0.value)" }
        }
    }

    @Test("limits are what the kernel has for them, in both versions of control groups")
    func limits() {
        #expect(
            settings { $0.memory = 1 << 20 } == [
                "memory.max=1048576", "v1 memory.limit_in_bytes=1048576", "memory.swap.max=1048576",
                "v1 memory.memsw.limit_in_bytes=2097152",
            ]
        )
        let unlimited = settings {
            $0.memory = 10
            $0.memoryAndSwap = -1
            $0.memoryReservation = 5
        }
        #expect(
            unlimited == [
                "memory.max=10", "v1 memory.limit_in_bytes=10", "memory.swap.max=max",
                "v1 memory.memsw.limit_in_bytes=-1", "memory.low=5", "v1 memory.soft_limit_in_bytes=5",
            ]
        )
        #expect(
            settings { $0.nanoCPUs = 1_500_000_000 } == [
                "cpu.max=150000 100000", "v1 cpu.cfs_period_us=100000", "v1 cpu.cfs_quota_us=150000",
            ]
        )
        #expect(
            settings { $0.processorPeriod = 50_000 } == [
                "cpu.max=max 50000", "v1 cpu.cfs_period_us=50000", "v1 cpu.cfs_quota_us=-1",
            ]
        )
        for (shares, weight) in [(Int64(2), 1), (1024, 39), (262_144, 10_000)] {
            #expect(settings { $0.processorShares = shares } == ["cpu.weight=\(weight)", "v1 cpu.shares=\(shares)"])
        }
        #expect(
            settings {
                $0.processors = "0-2"
                $0.memoryNodes = "0"
            } == ["cpuset.cpus=0-2", "v1 cpuset.cpus=0-2", "cpuset.mems=0", "v1 cpuset.mems=0"]
        )
        #expect(settings { $0.processes = 7 } == ["pids.max=7", "v1 pids.max=7"])
    }

    @Test(
        "devices are read as Docker reads them",
        arguments: [
            ("/dev/a", "/dev/a /dev/a rwm"), ("/dev/a:r", "/dev/a /dev/a r"), ("/dev/a:/b", "/dev/a /b rwm"),
            ("/dev/a:/b:mw", "/dev/a /b wm"), ("/dev/a:/b:rr", nil), ("/dev/a:b", nil), ("a", nil), ("", nil),
            ("/a:/b:", nil), ("/a:/b:r:w", nil),
        ]
    )
    func device(_ text: String, _ expected: String?) {
        let device = try? MachineAccess.Device(parsing: text)
        #expect(device.map { "\($0.path) \($0.target) \($0.access)" } == expected)
    }

    @Test(
        "rules for devices have a kind, numbers and an access",
        arguments: [
            ("c 1:3 rwm", true), ("b *:* m", true), ("a 7:* r", true), ("x 1:3 r", false), ("c 1 r", false),
            ("c -1:3 r", false), ("c 1:3", false), ("c 1:3 x", false), ("", false), ("c 1:99999999999 r", false),
        ]
    )
    func rule(_ text: String, _ isValid: Bool) {
        #expect(((try? MachineAccess.DeviceRule(parsing: text)) != nil) == isValid)
    }
}
