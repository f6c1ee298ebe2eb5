internal import Layers
public import Tar

extension LayerPlan {
    /// Why something cannot be put where the instruction says.
    public enum Conflict: Error {
        case fileOverDirectory(PathInRoot)
        case directoryOverFile(PathInRoot)
        case whiteoutName(PathInRoot)
        /// What goes into a directory has no name there.
        case nameless(PathInRoot)
        case layer(LayerError)

        /// What is in the way, to stand behind the instruction's name.
        public var sentence: String {
            switch self {
            case .fileOverDirectory(let path): "cannot put a file at `\(path)`: it is a directory"
            case .directoryOverFile(let path):
                "cannot make the directory `\(path)`: something else has that name"
            case .whiteoutName(let path):
                "cannot put `\(path)` into a layer: names that begin with `.wh.` mean removed files there"
            case .nameless(let path):
                "cannot put a file into `\(path)`: its address has no file name; write one as destination"
            case .layer(let error): "failed: \(error)"
            }
        }
    }
}
