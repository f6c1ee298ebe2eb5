internal import Compose
internal import Glibc
internal import TerminalUI

/// Why each container of a project is kept, created, replaced or removed.
struct PlanExplanation {
    private let plan: ProjectPlan
    private let images: [String: ServiceImage]

    /// - Parameter images: Those that were found, pulled or built for it; empty where nothing was.
    init(_ plan: ProjectPlan, _ images: [String: ServiceImage] = [:]) { (self.plan, self.images) = (plan, images) }

    var lines: [String] { plan.services.flatMap { imageLines($0.service) + lines($0.service, $0.plan) } }

    private func imageLines(_ service: Service) -> [String] {
        switch images[service.name]?.origin {
        case nil, .store: []
        case .pulled: ["\(service.name): its image was pulled"]
        case .built(let reason, _): ["\(service.name): its image was built: \(reason.text)"]
        }
    }

    func print(to descriptor: Int32) {
        for line in lines { Terminal.write(Terminal.safe(output: line) + "\n", to: descriptor) }
    }

    private func lines(_ service: Service, _ plan: ServicePlan) -> [String] {
        guard !plan.steps.isEmpty else { return ["\(service.name): no container is asked for"] }
        return plan.steps.flatMap { step -> [String] in
            switch step {
            case .keep(let container): ["\(service.name): \(container.name) is kept: nothing has changed"]
            case .start(let container):
                ["\(service.name): \(container.name) is started: nothing has changed, but it does not run"]
            case .restart(let container, let reason): told(service, container.name, "restarted", reason)
            case .create(let number): ["\(service.name): container \(number) is created: there is none"]
            case .replace(let container, let reason): told(service, container.name, "replaced", reason)
            case .remove(let container, let reason): told(service, container.name, "removed", reason)
            }
        }
    }

    private func told(_ service: Service, _ name: String, _ what: String, _ reason: ServicePlan.Reason) -> [String] {
        let start = "\(service.name): \(name) is \(what)"
        switch reason {
        case .changed(let changes):
            guard !changes.isEmpty else {
                return ["\(start): its configuration has changed; it was made by a program that keeps only a hash"]
            }
            return ["\(start): its configuration has changed"]
                + changes.map { "    \($0.path): \(PlanExplanation.text($0))" }
        case .image(let old, let new):
            return ["\(start): its image is another one", "    image: \(old ?? "none") → \(new)"]
        case .forced: return ["\(start): --force-recreate"]
        case .dependency(let other):
            return ["\(start): the container of `\(other)`, which it depends on, is another one"]
        case .surplus: return ["\(start): there are more containers than the service asks for"]
        case .leftOver: return ["\(start): it is left from a command that was killed"]
        }
    }

    private static func text(_ change: ConfigurationChange) -> String {
        switch (change.old, change.new) {
        case (let old?, let new?): "`\(old)` → `\(new)`"
        case (nil, let new?): "added: `\(new)`"
        case (let old?, nil): "removed: `\(old)`"
        case (nil, nil): ""
        }
    }
}
