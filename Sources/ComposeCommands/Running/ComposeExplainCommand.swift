internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Glibc
internal import Images
internal import OCI
internal import Reporting

/// `swiftbuild compose explain`.
struct ComposeExplainCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell what `compose up` would do with each container, and why.",
        discussion: """
            Nothing is built, pulled, created or removed. What has changed is shown with its old and new value.

            EXAMPLES:
              swiftbuild compose explain
              swiftbuild compose explain web
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Argument(help: "Only these services, and those that they depend on.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        let (project, definition) = try flags.open(services, in: global)
        let creation = try CreationFlags.parse([])
        let run = ProjectRun(project, definition, creation, flags, in: global.store, services: services)
        var images: [String: String] = [:]
        for service in definition.services {
            let name = service.image ?? "\(definition.name)-\(service.name)"
            images[service.name] = (try? project.images.find(name)).map { "\($0.id)" }
        }
        PlanExplanation(try run.plan(images, try creation.planOptions(services, definition))).print(to: STDOUT_FILENO)
        return .success
    }
}
