/// Where notices about waiting requests go.
public enum HTTPNotices {
    /// Takes a sentence; `nil` to drop them.
    ///
    /// A value of the task, since one session serves several commands and steps, each with a place of its own for it.
    @TaskLocal public static var tell: (@Sendable (String) -> Void)?
}
