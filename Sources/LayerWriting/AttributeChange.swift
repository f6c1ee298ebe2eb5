internal import Layers
public import Tar

/// A change of owner and mode that an instruction asks for.
public struct AttributeChange: Sendable {
    public var userID: UInt32?
    public var groupID: UInt32?
    /// Gives the permissions for those that something has.
    public var permissions: (@Sendable (_ old: UInt16, _ isDirectory: Bool) -> UInt16)?

    public init(
        userID: UInt32? = nil,
        groupID: UInt32? = nil,
        permissions: (@Sendable (_ old: UInt16, _ isDirectory: Bool) -> UInt16)? = nil
    ) {
        self.userID = userID
        self.groupID = groupID
        self.permissions = permissions
    }

    public func apply(to entry: inout LayerEntry, withPermissions: Bool = true) {
        if let userID { entry.userID = userID }
        if let groupID { entry.groupID = groupID }
        if withPermissions, let permissions, entry.kind != .symbolicLink {
            entry.permissions = permissions(entry.permissions, entry.kind == .directory)
        }
    }
}
