import BuildRecords
import ContentStore
import FileSystem
import Formatting
import Glibc
import Images
import OCI
import Reporting
import StoreMaintenance
import TerminalUI

/// What the store holds, one by one, for `df -v`.
struct StoreContents {
    private let images: ImageStore

    init(_ images: ImageStore) { self.images = images }

    func print() throws {
        let now = Int64(time(nil))
        Terminal.print("\nImages:\n")
        let rows = ImageRow.rows(try images.list(), try images.indexes())
        Terminal.print(RowFormat.table(rows, ImageRow.fields(now: now), columns: ImageRow.usualColumns))
        for kind in [StoreKind.stepResults, .snapshots, .mountedLayers, .cacheMounts, .sources] {
            guard let bucket = kind.bucket else { continue }
            let entries = try images.store.entries(of: bucket)
            if entries.isEmpty { continue }
            Terminal.print("\n\(kind.title):\n")
            var table = TextTable(["ID", "LAST USED", "SIZE"])
            for entry in entries.sorted(by: { $0.lastUsed > $1.lastUsed }) {
                table.append([
                    EscapedText.escaped(String(String(decoding: entry.name, as: UTF8.self).prefix(12))),
                    HumanReadable.age(secondsSinceEpoch: entry.lastUsed / 1_000_000_000, now: now),
                    HumanReadable.size(entry.size),
                ])
            }
            Terminal.print(table)
        }
    }
}
