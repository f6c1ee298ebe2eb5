import ContainerRuntime
import Sandbox
import Testing

@Suite("Options of processes")
struct SettingTests {
    @Test("hosts are NAME:ADDRESS or NAME=ADDRESS")
    func hosts() throws {
        func parsed(_ text: String) throws -> String {
            let host = try ExtraHost(parsing: text)
            return "\(host.name) \(host.address)"
        }
        #expect(try parsed("a:1.2.3.4") == "a 1.2.3.4")
        #expect(try parsed("a=::1") == "a ::1")
        #expect(try parsed("a:[fe80::1]") == "a fe80::1")
        #expect(try parsed("a:host-gateway") == "a 127.0.0.1")
        for text in ["", "a", ":1.2.3.4", "a:", "a:1.2.3", "a b:1.2.3.4", "a=1.2.3.4\n5.6.7.8 b"] {
            #expect(throws: ContainerError.self, "\(text)") { try ExtraHost(parsing: text) }
        }
    }

    @Test("limits are NAME=SOFT[:HARD], of which -1 is none")
    func limits() throws {
        for (text, limit) in [
            ("nofile=123", "nofile=123:123"), ("nproc=1:2", "nproc=1:2"), ("core=0:-1", "core=0:unlimited"),
        ] {
            #expect(try ResourceLimit(parsing: text).description == limit)
        }
        for text in ["", "nofile", "nofile=", "nofile=a", "files=1", "nofile=2:1", "nofile=1:2:3", "nofile=-2"] {
            #expect(throws: ContainerError.self, "\(text)") { try ResourceLimit(parsing: text) }
        }
    }
}
