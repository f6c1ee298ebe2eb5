/// A container of a service as planning sees it.
public struct ExistingContainer: Sendable, Equatable {
    public let id: String
    public let name: String
    /// Counted from 1; what its name ends with unless the service names it.
    public let number: Int
    /// What it was made of.
    public let configuration: ServiceConfiguration
    /// The ID of its image; `nil` where that does not matter.
    public let image: String?
    public let isRunning: Bool

    public init(
        id: String,
        name: String,
        number: Int,
        configuration: ServiceConfiguration,
        image: String?,
        isRunning: Bool
    ) {
        self.id = id
        self.name = name
        self.number = number
        self.configuration = configuration
        self.image = image
        self.isRunning = isRunning
    }
}
