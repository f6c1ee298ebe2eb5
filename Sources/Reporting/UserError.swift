/// An error in words for the user: what is wrong, and what may help.
public struct UserError: Error, Sendable, Equatable, CustomStringConvertible {
    public let message: String
    public let hints: [String]
    /// What the program ends with, where the error ends it.
    public let status: ExitStatus

    public init(_ message: String, hints: [String] = [], status: ExitStatus = .failure) {
        self.message = message
        self.hints = hints
        self.status = status
    }

    public var description: String { message }

    /// Reads the value of an option, whose name goes before whatever is wrong with it.
    ///
    /// - Throws: `UserError` with the status for wrong use.
    public static func reading<Text, Value>(
        _ option: String,
        _ text: Text,
        _ parse: (Text) throws -> Value
    ) throws(UserError) -> Value {
        do {
            return try parse(text)
        } catch {
            throw UserError("\(option): \(error)", status: .usage)
        }
    }
}
