internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import Containers
internal import FileSystem
internal import Images
internal import Reporting
internal import SystemPackage
internal import Tar
internal import TerminalUI

/// Brings changes of files to the containers of services, as their `develop.watch` says, until it is interrupted.
struct ProjectWatch: Sendable {
    private let project: ComposeProject
    private let paths: [WatchedPath]
    /// Builds a service and replaces its containers.
    private let rebuild: @Sendable (Service) async throws -> Void

    /// - Parameters:
    ///   - services: Those that are watched; empty for all.
    ///   - creation: Flags of `up`, for building a service again.
    /// - Throws: `UserError` where nothing is to be watched.
    init(
        _ project: ComposeProject,
        _ definition: Project,
        _ services: [String],
        _ flags: ComposeFlags,
        in store: StoreLocation,
        creation: [String] = []
    ) throws {
        let watched = definition.chosen(services, withDependencies: false)
        paths = try watched.flatMap { service in try service.watch.map { try WatchedPath(service, $0) } }
        guard !paths.isEmpty else {
            throw UserError("no service has a `develop.watch`", hints: ["docs/compose.md describes it"])
        }
        self.project = project
        let alone = try CreationFlags.parse(["--build", "--no-deps"] + creation)
        rebuild = { service in
            let only = definition.keeping([service.name])
            let project = ComposeProject(name: project.name, definition: only, images: project.images)
            try await ProjectRun(project, only, alone, flags, in: store, services: [service.name])
                .converge(starts: true)
        }
    }

    /// Follows changes until it is cancelled.
    ///
    /// - Throws: `CancellationError`; `SystemError` where something cannot be watched.
    func follow() async throws {
        let roots = Set(paths.map(\.root)).sorted { $0.string < $1.string }
        let paths = paths
        let watch = try TreeWatch(roots) { directory in
            paths.allSatisfy { !directory.starts(with: $0.root) || $0.leavesOut(directory) }
        }
        try await copyFirst()
        ProjectProgress.note("watching \(roots.map { "`\($0)`" }.joined(separator: ", "))")
        while true {
            try Task.checkCancellation()
            let changed = try watch.changes(within: 100)
            guard !changed.isEmpty else { continue }
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
            for path in own where path.rule.action != .restart { try await copy(changed, path) }
            for path in own where path.rule.action == .syncAndExecute { try await execute(path) }
            guard own.contains(where: { [.restart, .syncAndRestart].contains($0.rule.action) }) else { return }
            let life = ContainerLife(project: project)
            for container in try project.containers(of: [service]) where container.isRunning {
                try await life.stop(container.container, timeout: nil)
                try await life.start(container.container)
                ProjectProgress.show(.container, container.name, "Restarted")
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            FailureReport(ServiceFailure(service, error)).write()
        }
    }

    // MARK: - Copying

    private func copyFirst() async throws {
        for path in paths where path.rule.copiesFirst && ![.rebuild, .restart].contains(path.rule.action) {
            try await copy(files(below: path.root, path), path)
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

    private func copy(_ changed: Set<FilePath>, _ path: WatchedPath) async throws {
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
            if !removed.isEmpty {
                let hook = ServiceHook(command: ["rm", "-rf", "--"] + removed)
                try await ContainerLife(project: project).run(hook, "develop.watch", in: container.container)
            }
            let count = written.count + removed.count
            ProjectProgress.show(.container, container.name, "Synced \(count) file\(count == 1 ? "" : "s")")
        }
    }

    private func execute(_ path: WatchedPath) async throws {
        guard let hook = path.rule.hook else { return }
        for container in try project.containers(of: [path.service.name]) where container.isRunning {
            try await ContainerLife(project: project).run(hook, "develop.watch", in: container.container)
        }
    }
}
