internal import CLinux

extension Supervisor {
    /// Tells the starter why there is no supervisor for it.
    ///
    /// - Parameter starter: The connection; it is closed.
    public static func refuse(_ starter: Int32, _ error: any Error) {
        Connection(starter).send(Frame(.failure, "1 \(error)"))
    }

    /// Gives up what the caller of the starter had open, such as a pipe whose reader waits for its end.
    ///
    /// Before anything is opened.
    ///
    /// - Parameter starter: The connection, which stays; nothing above it does.
    public static func closeInherited(above starter: Int32) { sb_close_from(starter + 1) }
}
