import BuildCache
import BuildPlanning
import DockerfileSyntax
import LayerWriting
import Layers
import OCI
import Tar

/// `WORKDIR`: makes a directory where there is none.
struct WorkdirStep: LayerStep {
    let context: StepContext
    private let workdir: ResolvedWorkdir
    private var path: PathInRoot { PathInRoot(workdir.path) }

    init(_ workdir: ResolvedWorkdir, _ context: StepContext) {
        self.workdir = workdir
        self.context = context
    }

    func readInputs(isFirstAttempt: Bool) -> [NamedInput] {
        context.commonInputs("WORKDIR", on: context.below.key)
            + [NamedInput("path", "\(path)"), NamedInput("owner", workdir.user)]
    }

    func make(_ key: StepKey) async throws -> StepProduct {
        // Without USER it is root's, whatever the files say of root (BuildKit); only a name is looked up.
        let hasName = UInt32(workdir.user) == nil && !workdir.user.isEmpty
        let files = try await hasName ? context.files() : context.names()
        let time = context.timeBelow
        var plan = LayerPlan(view: files.view, latestTime: context.session.plan.sourceDateEpoch) {
            LayerEntry.directory($0, modified: time)
        }
        do {
            let resolved = try plan.resolve(path)
            // A directory that exists is left alone, and the layer is empty then.
            if plan.entry(at: resolved)?.kind != .directory {
                var owner = try context.identity(of: workdir.user) {
                    try hasName ? files.users() : UserDatabase(passwd: [], group: [])
                }
                // As with --chown, a number without a group is the number of the group too (BuildKit).
                if UInt32(workdir.user) != nil { owner.groupID = owner.userID }
                let change = AttributeChange(userID: owner.userID, groupID: owner.groupID)
                plan.newDirectory = { path in
                    var directory = LayerEntry.directory(path, modified: time)
                    change.apply(to: &directory)
                    return directory
                }
                try plan.addDirectories(resolved)
            }
        } catch let error as LayerPlan.Conflict {
            throw context.failure(error.sentence, at: context.step.instruction.range)
        }
        let writer = try context.writer(of: plan)
        try LayerAssembly(plan).write(to: writer)
        return .layer(try writer.finish())
    }
}
