import Compose
import Testing

@Suite("The plan of a service")
struct ServicePlanTests {
    private let current = ServiceConfiguration(hash: "h1", values: ["image": "app", "environment.DEBUG": "1"])

    private func request(
        _ replicas: Int = 1,
        image: String? = "i1",
        _ policy: ServicePlan.Policy = .changed,
        starts: Bool = true
    ) -> ServicePlan.Request {
        ServicePlan.Request(
            configuration: current,
            replicas: replicas,
            image: image,
            policy: policy,
            starts: starts
        )
    }

    private func container(
        _ number: Int,
        id: String? = nil,
        _ configuration: ServiceConfiguration? = nil,
        image: String = "i1",
        isRunning: Bool = true
    ) -> ExistingContainer {
        ExistingContainer(
            id: id ?? "c\(number)",
            name: "shop-web-\(number)",
            number: number,
            configuration: configuration ?? current,
            image: image,
            isRunning: isRunning
        )
    }

    @Test("creates what there is not, behind the highest number")
    func creation() {
        #expect(ServicePlan(request(), existing: []).steps == [.create(number: 1)])
        #expect(
            ServicePlan(request(3), existing: [container(2)]).steps
                == [.keep(container(2)), .create(number: 3), .create(number: 4)]
        )
        #expect(ServicePlan(request(0), existing: []).steps == [])
    }

    @Test("keeps what is right, and starts it where it does not run")
    func keeping() {
        let stopped = container(1, isRunning: false)
        #expect(ServicePlan(request(), existing: [container(1)]).steps == [.keep(container(1))])
        #expect(ServicePlan(request(), existing: [stopped]).steps == [.start(stopped)])
        #expect(ServicePlan(request(starts: false), existing: [stopped]).steps == [.keep(stopped)])
        #expect(!ServicePlan(request(), existing: [stopped]).makesContainers)
    }

    @Test("replaces what was made of something else, and tells each value that has changed")
    func changes() {
        let old = container(1, ServiceConfiguration(hash: "h0", values: ["image": "app", "user": "root"]))
        let changes = [
            ConfigurationChange(path: "environment.DEBUG", old: nil, new: "1"),
            ConfigurationChange(path: "user", old: "root", new: nil),
        ]
        let plan = ServicePlan(request(), existing: [old])
        #expect(plan.steps == [.replace(old, .changed(changes))])
        #expect(plan.makesContainers)
        #expect(ServicePlan(request(1, .never), existing: [old]).steps == [.keep(old)])
    }

    @Test("replaces what the hash does not tell, such as the content of a config")
    func content() {
        let old = container(1, ServiceConfiguration(hash: "h1", values: ["image": "app", "environment.DEBUG": "0"]))
        let change = ConfigurationChange(path: "environment.DEBUG", old: "0", new: "1")
        #expect(ServicePlan(request(), existing: [old]).steps == [.replace(old, .changed([change]))])
    }

    @Test("takes the hash for all where nothing else was kept, as Docker Compose does")
    func foreign() {
        let same = container(1, ServiceConfiguration(hash: "h1", values: [:]))
        let other = container(1, ServiceConfiguration(hash: "h0", values: [:]))
        #expect(ServicePlan(request(), existing: [same]).steps == [.keep(same)])
        #expect(ServicePlan(request(), existing: [other]).steps == [.replace(other, .changed([]))])
    }

    @Test("replaces containers of another image, unless that is not looked at")
    func images() {
        let old = container(1, image: "i0")
        #expect(ServicePlan(request(), existing: [old]).steps == [.replace(old, .image(old: "i0", new: "i1"))])
        #expect(ServicePlan(request(image: nil), existing: [old]).steps == [.keep(old)])
    }

    @Test("replaces everything when told to")
    func force() {
        #expect(
            ServicePlan(request(2, .always), existing: [container(1), container(2)]).steps
                == [.replace(container(1), .forced), .replace(container(2), .forced)]
        )
    }

    @Test("removes what is too much, the wrong ones first, then those of high numbers")
    func surplus() {
        let wrong = container(1, ServiceConfiguration(hash: "h0", values: [:]))
        #expect(
            ServicePlan(request(1), existing: [wrong, container(2), container(3)]).steps
                == [.remove(container(3), .surplus), .remove(wrong, .surplus), .keep(container(2))]
        )
        #expect(ServicePlan(request(0), existing: [container(1)]).steps == [.remove(container(1), .surplus)])
    }

    @Test("finishes what a command began that was killed: of two with one number the right one stays")
    func leftOver() {
        let old = container(1, id: "old", ServiceConfiguration(hash: "h0", values: [:]))
        let new = container(1, id: "new", isRunning: false)
        #expect(ServicePlan(request(), existing: [old, new]).steps == [.remove(old, .leftOver), .start(new)])
        let running = container(1, id: "running")
        #expect(ServicePlan(request(), existing: [new, running]).steps == [.remove(new, .leftOver), .keep(running)])
    }

    @Test("follows services that it shares a namespace with, or whose restart it follows")
    func following() {
        var shared = request()
        shared.followed = [.init("db", replaces: true)]
        #expect(ServicePlan(shared, existing: [container(1)]).steps == [.replace(container(1), .dependency("db"))])
        var restarted = request()
        restarted.followed = [.init("db", replaces: false)]
        #expect(ServicePlan(restarted, existing: [container(1)]).steps == [.restart(container(1), .dependency("db"))])
        let stopped = container(1, isRunning: false)
        #expect(ServicePlan(restarted, existing: [stopped]).steps == [.start(stopped)])
    }
}

@Suite("The plan of a project")
struct ProjectPlanTests {
    private func project(_ text: String) throws -> Project {
        let directory = try ProjectDirectory(["compose.yaml": text])
        return try Project(ResolvedProject(directory.options))
    }

    private func existing(_ service: Service, hash: String? = nil) -> [ExistingContainer] {
        [
            ExistingContainer(
                id: service.name,
                name: "p-\(service.name)-1",
                number: 1,
                configuration: hash.map { ServiceConfiguration(hash: $0, values: [:]) } ?? service.configuration,
                image: nil,
                isRunning: true
            )
        ]
    }

    @Test("lets services follow those that they share something with, through others")
    func following() throws {
        let project = try project(
            """
            services:
              db: {image: x}
              sidecar: {image: x, network_mode: "service:db"}
              spy: {image: x, volumes_from: [sidecar]}
              web: {image: x, depends_on: {db: {condition: service_started, restart: true}}}
              other: {image: x, depends_on: [db]}
            """
        )
        var existing: [String: [ExistingContainer]] = [:]
        for service in project.services {
            existing[service.name] = self.existing(service, hash: service.name == "db" ? "old" : nil)
        }
        let plan = ProjectPlan(project, existing: existing, images: [:])
        let steps = Dictionary(plan.services.map { ($0.service.name, $0.plan.steps) }) { $1 }
        #expect(steps["db"]?.first.map { if case .replace = $0 { true } else { false } } == true)
        #expect(steps["sidecar"] == [.replace(try #require(existing["sidecar"]?.first), .dependency("db"))])
        #expect(steps["spy"] == [.replace(try #require(existing["spy"]?.first), .dependency("sidecar"))])
        #expect(steps["web"] == [.restart(try #require(existing["web"]?.first), .dependency("db"))])
        #expect(steps["other"] == [.keep(try #require(existing["other"]?.first))])
    }

    @Test("has another policy for what others only depend on, and other numbers of containers")
    func options() throws {
        let project = try project("services: {db: {image: x}, web: {image: x, depends_on: [db]}}")
        let existing = Dictionary(project.services.map { ($0.name, self.existing($0)) }) { $1 }
        var options = ProjectPlan.Options()
        options.policy = .always
        options.policyOfDependencies = .changed
        options.services = ["web"]
        options.replicas = ["web": 2]
        let plan = ProjectPlan(project, existing: existing, images: [:], options)
        let (db, web) = (try #require(existing["db"]?.first), try #require(existing["web"]?.first))
        #expect(plan.services.map(\.plan.steps) == [[.keep(db)], [.replace(web, .forced), .create(number: 2)]])
    }

    @Test("knows names of networks and volumes and contents of configs, but no secret")
    func surroundings() throws {
        func configuration(_ text: String) throws -> ServiceConfiguration {
            let common = "name: p\nservices: {a: {image: x, volumes: [data:/d], configs: [c], secrets: [s]}}\n"
            return try #require(try project(common + text).services.first?.configuration)
        }
        let rest = "secrets: {s: {environment: HOME}}\nvolumes: {data: {}}\n"
        let first = try configuration(rest + "configs: {c: {content: one}}")
        let second = try configuration(rest + "configs: {c: {content: two}}")
        #expect(second.changes(from: first).map(\.path) == ["configs.c.content"])
        #expect(first.values["volumes.data.name"] == "p_data")
        #expect(first.values["networks.default.name"] == "p_default")
        #expect(!first.values.values.contains("one"))
    }
}
