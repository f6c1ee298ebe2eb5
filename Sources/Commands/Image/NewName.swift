import Images
import OCI

extension ImageReference {
    /// Reads a name that is to be given to something.
    ///
    /// - Throws: `CommandFailure`, `OCIError`.
    init(newName text: String) throws {
        try self.init(parsing: text)
        do {
            try ImageStore.check(newName: self)
        } catch {
            throw CommandFailure("\(error)", status: ExitStatus.usage)
        }
    }
}
