public import ContainerNetworks

/// What a container is called for ever: 64 hexadecimal digits, as Docker has them.
public typealias ContainerID = ObjectID
