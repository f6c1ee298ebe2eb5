internal import Glibc

/// IP addresses as text.
enum InternetAddress {
    /// Whether a text is an IPv4 or IPv6 address as `inet_pton(3)` reads it.
    static func isValid(_ text: String) -> Bool {
        var storage = in6_addr()
        return inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }
}
