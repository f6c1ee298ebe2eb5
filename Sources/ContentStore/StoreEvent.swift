/// Something that has happened to what a store holds, as `docker events` has it.
public struct StoreEvent: Sendable, Codable {
    /// Docker's words for what an event is about.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case container, volume, network, image
        /// The results of steps.
        case builder
    }

    public let kind: Kind
    /// Docker's word, such as `die`, or `health_status: healthy`.
    public let action: String
    /// The ID of a container or an image, the name of a volume, or what a registry calls an image; empty for none.
    public let subject: String
    /// The name, the image and the labels, and what belongs to the action.
    public let attributes: [String: String]
    /// Nanoseconds since 1970.
    public let time: Int64
}
