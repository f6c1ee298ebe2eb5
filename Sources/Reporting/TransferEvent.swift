/// What happens while an image moves between a registry and the store.
public enum TransferEvent: Sendable {
    /// What a layer is at.
    public enum State: Sendable, Equatable {
        case waiting
        /// Bytes of how many.
        case moving(Int64, of: Int64)
        /// It is unpacked or compressed, and checked.
        case working
        /// It was there already.
        case exists
        /// It was taken from another repository of the registry.
        case mounted(from: String)
        case done
    }

    public enum Direction: Sendable {
        case pull, push
    }

    /// Of an image, with its repository as users write it and its tag or digest.
    case started(Direction, repository: String, tag: String)
    /// A layer, by the first 12 digits of its digest.
    case layer(Direction, id: String, State)
    /// Something that a user should know, such as that a mirror did not help.
    case note(String)
}
