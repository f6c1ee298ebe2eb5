import ContainerNetworks
package import Containers
package import Images

/// A path in a container, as `CONTAINER:PATH` names it; as with Docker, what begins with `/` or `.` is a local path.
package struct ContainerPath: Sendable {
    package let name: String
    package let path: String

    package init?(parsing text: String) {
        guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix(".") else { return nil }
        (name, path) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    /// The container; `nil` where there is none, and where an image has the name that only an ID begins with.
    package func container(_ images: ImageStore) throws -> Container? {
        guard let found = try? ContainerStore(images.layers).find(name) else { return nil }
        if [found.record.name.description, found.id.description].contains(name) { return found }
        return (try? images.find(name)) == nil ? found : nil
    }
}
