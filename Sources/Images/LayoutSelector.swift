public import OCI

/// Which image of a layout.
public enum LayoutSelector: Sendable {
    /// The only one, or the one called `latest`.
    case only
    case tag(String)
    case digest(Digest)
}
