internal import CommandSupport
internal import Compose
internal import ContainerCommands
internal import Containers
internal import FileSystem
internal import Glibc
internal import Reporting
internal import Sandbox
internal import SystemPackage
internal import Tar
internal import TerminalUI

/// Brings changes of files to the containers of services, as their `develop.watch` says, until it is interrupted.
struct ProjectWatch: Sendable {
    let project: ComposeProject
    let paths: [WatchedPath]
    /// Builds a service and replaces its containers.
    let rebuild: @Sendable (Service) async throws -> Void

    /// - Throws: `CancellationError` after a signal; `SystemError` where something cannot be watched.
    func run() async throws {
        let roots = Set(paths.map(\.root)).sorted { $0.string < $1.string }
        let paths = paths
        let watch = try TreeWatch(roots) { directory in
            paths.allSatisfy { !directory.starts(with: $0.root) || $0.leavesOut(directory) }
        }
        try await Signals.cancelling { try copyFirst() }
        ProjectProgress.note("watching \(roots.map { "`\($0)`" }.joined(separator: ", "))")
        while true {
            let changed = try await Signals.cancelling {
                while true {
                    try Task.checkCancellation()
                    let changed = try watch.changes(within: 100)
                    if !changed.isEmpty { return changed }
                }
            }
            for service in Set(paths.map(\.service.name)).sorted() { try await apply(changed, to: service) }
        }
    }

    /// Does what is to be done for one service; what goes wrong is told, and the watch continues.
    private func apply(_ changed: Set<FilePath>, to service: String) async throws {
        let own = paths.filter { path in path.service.name == service && changed.contains { path.path(of: $0) != nil } }
        do {
            if let path = own.first(where: { $0.rule.action == .rebuild }) {
                ProjectProgress.note("building `\(service)` again")
                return try await rebuild(path.service)
            }
            try await Signals.cancelling {
                for path in own where path.rule.action != .restart { try copy(changed, path) }
                for path in own where path.rule.action == .syncAndExecute { try execute(path) }
                guard own.contains(where: { [.restart, .syncAndRestart].contains($0.rule.action) }) else { return }
                for container in try project.containers(of: [service]) where container.isRunning {
                    try container.container.stop(timeout: nil)
                    _ = try container.container.start(SupervisorEntry.arguments(container.container), attachment: nil)
                    ProjectProgress.show(.container, container.name, "Restarted")
                }
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            FailureReport(ServiceFailure(service, error)).write()
        }
    }

    // MARK: - Copying

    private func copyFirst() throws {
        for path in paths where path.rule.copiesFirst && ![.rebuild, .restart].contains(path.rule.action) {
            try copy(files(below: path.root, path), path)
        }
    }

    private func files(below root: FilePath, _ path: WatchedPath) throws -> Set<FilePath> {
        guard FileStatus.ifPresent(root.appending("."))?.kind == .directory else { return [root] }
        var result: Set<FilePath> = []
        var rest = [root]
        while let directory = rest.popLast() {
            for name in try FileOperations.names(in: directory) {
                let inner = directory.appending(bytes: name)
                if FileStatus.ifPresent(inner)?.kind != .directory {
                    result.insert(inner)
                } else if !path.leavesOut(inner) {
                    rest.append(inner)
                }
            }
        }
        return result
    }

    private func copy(_ changed: Set<FilePath>, _ path: WatchedPath) throws {
        guard let target = path.rule.target else { return }
        var written: [(source: FilePath, path: PathInRoot)] = []
        var removed: [String] = []
        // Of a single file the target is the file.
        let isDirectory = FileStatus.ifPresent(path.root.appending("."))?.kind == .directory
        let place = FilePath(target)
        for file in changed.sorted(by: { $0.string < $1.string }) {
            guard let inner = path.path(of: file) else { continue }
            let name = inner.isRoot && !isDirectory ? PathInRoot(place.lastComponent?.string ?? "") : inner
            if FileStatus.ifPresent(file) == nil {
                removed.append(inner.isRoot ? target : target + "\(inner)")
            } else {
                written.append((file, name))
            }
        }
        let directory = isDirectory ? target : place.removingLastComponent().string
        for container in try project.containers(of: [path.service.name]) where container.isRunning {
            if !written.isEmpty { try ContainerFiles(container.container).write(written, below: directory) }
            if !removed.isEmpty { try run(ExecOptions(command: ["rm", "-rf", "--"] + removed), in: container) }
            let count = written.count + removed.count
            ProjectProgress.show(.container, container.name, "Synced \(count) file\(count == 1 ? "" : "s")")
        }
    }

    // MARK: - Commands

    private func execute(_ path: WatchedPath) throws {
        var options = ExecOptions(command: path.rule.command)
        options.user = path.rule.user
        options.workingDirectory = path.rule.workingDirectory
        options.environment = path.rule.environment
        for container in try project.containers(of: [path.service.name]) where container.isRunning {
            try run(options, in: container)
        }
    }

    /// Runs a command in a container, whose output is this program's.
    private func run(_ options: ExecOptions, in container: ServiceContainer) throws {
        let input = try OwnedDescriptor("/dev/null", O_RDONLY)
        let streams = SandboxStreams.descriptors(input: input.rawValue, output: STDOUT_FILENO, error: STDERR_FILENO)
        let exit = try container.container.execute(options, streams).wait()
        guard exit.code != 0 else { return }
        throw UserError("`\(options.command.joined(separator: " "))` in `\(container.name)` ended with \(exit.code)")
    }
}
