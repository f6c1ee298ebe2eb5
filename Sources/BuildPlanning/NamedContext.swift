public import OCI

/// What `--build-context NAME=VALUE` puts in the place of a base, a stage or a source of that name.
public enum NamedContext: Sendable, Hashable {
    /// An image.
    case image(ImageReference)
    /// Files other than an image: a directory, an archive, a repository.
    case files

    /// The form in which names are compared: `docker.io/library/alpine:latest` is `alpine`.
    ///
    /// Stage names are of this form already. Anything but an image name is compared as it is written.
    public static func key(_ name: String) -> String {
        guard let familiar = try? ImageReference(parsing: name).familiar else { return name }
        return familiar.hasSuffix(":latest") ? String(familiar.dropLast(":latest".count)) : familiar
    }
}
