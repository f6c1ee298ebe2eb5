public import ContentStore
internal import FileSystem
public import SystemPackage

/// What the processes of the latest builds wrote, one file for each step, as long as the build is remembered.
public struct StepLogStore: Sendable {
    private let store: Store

    public init(_ store: Store) {
        self.store = store
    }

    /// Where the log of a step is, or would be.
    ///
    /// - Parameters:
    ///   - stage: The position of the stage in the record of the build.
    ///   - step: The position in the stage.
    public func path(_ build: BuildRecord.ID, stage: Int, step: Int) -> FilePath {
        directory(build).appending("\(stage)-\(step)")
    }

    /// The log of the process that made the result of a step, which an earlier build may have run.
    ///
    /// - Returns: `nil` where nothing was written, or the log was removed.
    public func log(of record: BuildRecord, stage: Int, step: Int) -> FilePath? {
        let own = path(record.id, stage: stage, step: step)
        if FileStatus.ifPresent(own) != nil { return own }
        let known = record.stages[stage].steps[step]
        guard known.result == .cached, let key = known.key else { return nil }
        for earlier in BuildRecordStore(store).records where earlier.id < record.id {
            for (stage, steps) in earlier.stages.map(\.steps).enumerated() {
                guard let step = steps.firstIndex(where: { $0.key == key && $0.result == .ran }) else { continue }
                let path = path(earlier.id, stage: stage, step: step)
                return FileStatus.ifPresent(path) == nil ? nil : path
            }
        }
        return nil
    }

    /// Removes the logs of a build.
    func remove(_ build: BuildRecord.ID) { try? FileOperations.removeTree(directory(build)) }

    private func directory(_ build: BuildRecord.ID) -> FilePath { store[.logs].appending(build.description) }
}
