import Images

/// One `--output`: what is written, and where to.
struct ImageOutputOption: Sendable {
    let destination: String
    var isStandardOutput: Bool { destination == "-" }

    init(parsing text: String) throws { throw CommandFailure("--output is not there yet") }

    func write(_ image: StoredImage, _ images: ImageStore) throws {}
}
