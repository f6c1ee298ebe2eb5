/// Where users are told of what keeps a request waiting.
public enum HTTPNotices {
    /// Takes a sentence; `nil` where nobody listens.
    ///
    /// A value of the task, since one session serves several commands and steps, each with a place of its own for it.
    @TaskLocal public static var tell: (@Sendable (String) -> Void)?
}
