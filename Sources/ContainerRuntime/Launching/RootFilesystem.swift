public import Layers
public import SystemPackage

/// What the writable root filesystem of a process is opened from.
public enum RootFilesystem: Sendable {
    /// The layers of an image, lowest first; what the process writes is removed with it.
    case image(layers: [Layer])
    /// What an earlier process left in `fs` of a directory, where this one writes too.
    ///
    /// It lies on top of `layers`; without those it has all files.
    case kept(FilePath, layers: [Layer]?)
}
