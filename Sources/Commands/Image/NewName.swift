import Images
import OCI
import Reporting

extension ImageReference {
    /// Reads a name for something new.
    ///
    /// - Throws: `UserError`, `OCIError`.
    init(newName text: String) throws {
        try self.init(parsing: text)
        do {
            try ImageStore.check(newName: self)
        } catch {
            throw UserError("\(error)", status: .usage)
        }
    }
}
