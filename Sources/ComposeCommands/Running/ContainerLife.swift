internal import Compose
internal import ContainerCommands
internal import Containers
internal import FileSystem
internal import Glibc
internal import Reporting
internal import Sandbox
internal import SystemPackage

/// Starts and stops containers of a project, with the commands that their services have for it.
struct ContainerLife: Sendable {
    let project: ComposeProject

    /// Starts a container, and runs `post_start` in it.
    ///
    /// - Throws: `UserError` where it cannot be started or a command fails, `ContainerStoreError`, `CancellationError`.
    func start(_ container: Container) async throws {
        do {
            _ = try container.start(SupervisorEntry.arguments(container), attachment: nil)
        } catch ContainerStoreError.notStarted(let reason, _) {
            throw UserError("cannot start the container `\(container.record.name)`: \(reason)")
        }
        for hook in service(of: container)?.postStart ?? [] { try await run(hook, "post_start", in: container) }
    }

    /// Stops a container that may be running, after `pre_stop`, whose failures only warn: it is to end all the same.
    ///
    /// - Parameter timeout: Seconds before it is killed; `nil` for what it says itself.
    func stop(_ container: Container, timeout: Int?) async throws {
        guard container.state.isRunning else { return try container.stop(timeout: timeout) }
        for hook in service(of: container)?.preStop ?? [] {
            do {
                try await run(hook, "pre_stop", in: container)
            } catch let error as CancellationError {
                throw error
            } catch {
                ProjectProgress.warn("\(error)")
            }
        }
        try container.stop(timeout: timeout)
    }

    /// - Returns: `nil` also for a container that runs one command, which is none of the service's.
    private func service(of container: Container) -> Service? {
        guard let own = ServiceContainer(container), !own.isOneOff else { return nil }
        return project.definition?[service: own.service]
    }

    /// Runs a command to its end beside the process of a container; what it writes goes to standard error.
    ///
    /// - Parameter key: Of the Compose file, for messages.
    /// - Throws: `UserError` where it fails; `CancellationError`, after the command was killed.
    func run(_ hook: ServiceHook, _ key: String, in container: Container) async throws {
        let name = container.record.name
        func failure(_ reason: String) -> UserError {
            UserError("`\(hook.command.joined(separator: " "))` of `\(key)` in `\(name)` \(reason)")
        }
        var options = ExecOptions(command: hook.command)
        options.user = hook.user
        options.isPrivileged = hook.isPrivileged
        options.workingDirectory = hook.workingDirectory
        options.environment = hook.environment
        let input = try OwnedDescriptor("/dev/null", O_RDONLY)
        let streams = SandboxStreams.descriptors(input: input.rawValue, output: STDERR_FILENO, error: STDERR_FILENO)
        let process: SandboxProcess
        do {
            // As it is now: it may just have been started.
            process = try project.store.container(container.id).execute(options, streams)
        } catch {
            throw failure("could not be started: \(error)")
        }
        let exit = try await withTaskCancellationHandler {
            try process.wait()
        } onCancel: {
            process.kill(SIGKILL)
        }
        try Task.checkCancellation()
        guard exit.code == 0 else { throw failure("ended with exit code \(exit.code)") }
    }
}
