internal import Glibc

/// The version of a kernel, as far as it decides what there is.
public struct KernelRelease: Comparable, Sendable {
    private let major: Int
    private let minor: Int

    public init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

    /// That of the kernel that runs; 0.0 where it does not say.
    public static let current: KernelRelease = {
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return KernelRelease(numbers.first ?? 0, numbers.dropFirst().first ?? 0)
    }()

    public static func < (left: KernelRelease, right: KernelRelease) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
