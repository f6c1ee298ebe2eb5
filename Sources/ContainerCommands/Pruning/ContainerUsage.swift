import Containers
import FileSystem
import Formatting
import Glibc
public import Images
import Layers
public import OCI
import Reporting
import TerminalUI

/// What containers and their volumes take up, for `system df`.
public enum ContainerUsage {
    /// The images that there are containers of, and how many.
    public static func images(in images: ImageStore) throws -> [Digest: Int] {
        Dictionary(try ContainerStore(images.layers).all().compactMap(\.record.imageID).map { ($0, 1) }) { $0 + $1 }
    }

    /// Lists containers and volumes, as Docker's `system df -v` does.
    public static func print(in images: ImageStore, now: Int64) throws {
        let store = ContainerStore(images.layers)
        let containers = try store.summaries().containers
        var fields = PsCommand.fields(showsWhole: false, now: now)
        fields.append(.init("LocalVolumes", "LOCAL VOLUMES") { "\($0.volumes.count)" })
        fields.append(.init("Size", "SIZE") { HumanReadable.size($0.writtenBytes) })
        Terminal.print("\nContainers space usage:\n")
        let columns = ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"]
        Terminal.print(RowFormat.table(containers, fields, columns: columns))
        Terminal.print("\nLocal Volumes space usage:\n")
        var table = TextTable(["VOLUME NAME", "LINKS", "SIZE"])
        for volume in try VolumeStore(images.layers).all() {
            table.append([
                volume.name, "\(containers.count { $0.volumes.contains(volume.name) })",
                HumanReadable.size(DiskUsage.of(contentOf: volume.files)),
            ])
        }
        Terminal.print(table)
    }
}

extension PrunedObjects {
    /// Removes the containers that do not run, then the networks and, where that is wanted, the anonymous volumes without
    /// a container.
    public mutating func removeContainers(in images: ImageStore, _ filter: PruneFilter, volumes: Bool) throws {
        let store = ContainerStore(images.layers)
        let (ids, bytes) = try store.prune(filter)
        add("Containers", ids, freed: bytes)
        add("Networks", try store.pruneNetworks(filter), freed: 0)
        guard volumes else { return }
        let (names, freed) = try VolumeStore(images.layers).prune(filter, all: false, containers: store)
        add("Volumes", names, freed: freed)
    }
}
