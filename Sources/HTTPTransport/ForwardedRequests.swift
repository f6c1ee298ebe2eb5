internal import NIOCore
internal import NIOHTTP1

/// Writes requests as a proxy for `http` wants them: with the whole address in the first line (RFC 9112, section 3.2.2).
///
/// async-http-client has no such mode; it asks proxies for a tunnel, which most of them give for `https` only. So it
/// connects to the proxy as if that were the server, and this handler puts the address where it belongs.
final class ForwardedRequests: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// The field that carries the address up to here.
    static let field = "swiftbuild-forwarded-address"

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), let address = head.headers.first(name: Self.field) else {
            return context.write(data, promise: promise)
        }
        head.uri = address
        head.headers.remove(name: Self.field)
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// Puts a handler between the one that makes requests and the one that writes them.
    static func install(in channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
        try pipeline.addHandler(ForwardedRequests(), position: .after(encoder))
    }
}
