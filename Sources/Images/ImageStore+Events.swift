internal import ContentStore
public import OCI

extension ImageStore {
    /// Adds an event of an image or an index, with the labels of the image.
    ///
    /// - Parameter name: The name that it is about; Docker has the ID for none.
    public func note(_ action: String, _ id: Digest, name: ImageReference? = nil) {
        let bytes = try? store.blobs.read(id, limit: ImageStore.documentLimit)
        let configuration = try? bytes.map(ManifestDocument.configuration)
        note(action, id, name: name, labels: configuration?.config.labels)
    }

    func note(_ action: String, _ id: Digest, name: ImageReference?, labels: [String: String]?) {
        let attributes = (labels ?? [:]).merging(["name": name?.familiar ?? "\(id)"]) { $1 }
        EventLog(store).add(.image, action, "\(id)", attributes)
    }

    /// Adds an event of what a registry calls an image, `pull` or `push`: Docker has the name in the place of the ID.
    public func note(_ action: String, inRegistry reference: ImageReference) {
        EventLog(store).add(.image, action, reference.familiar, ["name": reference.familiarRepository])
    }
}
