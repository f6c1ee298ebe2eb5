import Containers
import OCI
import SystemPackage

extension VolumeStore.Volume {
    /// What Docker's API has at `/volumes/NAME`.
    var inspection: JSONValue {
        .object([
            "Name": .string(name),
            "CreatedAt": .string("\(record.created)"),
            "Driver": "local",
            "Scope": "local",
            "Mountpoint": .string(files.string),
            "Labels": record.labels.isEmpty ? .null : .object(record.labels.mapValues { .string($0) }),
            "Options": .null,
        ])
    }
}
