/// What went wrong for one of several services that are worked on at once.
public struct ServiceFailure: Error {
    public let service: String
    public let cause: any Error

    public init(_ service: String, _ cause: any Error) { (self.service, self.cause) = (service, cause) }
}
