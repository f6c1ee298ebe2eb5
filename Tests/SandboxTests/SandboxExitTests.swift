import Sandbox
import Testing

@Suite("How a process ended")
struct SandboxExitTests {
    @Test("A signal is 128 and its number, as in a shell")
    func code() {
        #expect(SandboxExit.exited(3).code == 3)
        #expect(SandboxExit.signalled(9).code == 137)
    }
}
