import FileSystem
import Glibc

/// The descriptors 0 to 2, which a caller may have closed.
enum StandardStreams {
    /// Makes sure that no file of ours gets one of their numbers, where what is meant for the user would destroy it.
    ///
    /// Reading from a closed input and writing to a closed output still fail, as they should. To be called before
    /// anything is opened.
    static func occupy() {
        for (descriptor, access) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free is this one. A machine without /dev/null has no use for us either.
            _ = open("/dev/null", access)
        }
    }
}
