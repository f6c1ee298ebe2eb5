internal import NIOCore
internal import NIOHTTP1

/// Ends a connection whose server answers with what no server may, or so slowly that it would never end.
///
/// async-http-client counts the time in which nothing at all comes, so that a byte now and then would hold a request for
/// ever; and a status below 100, which its parser lets pass, ends the process in its state machine.
final class ServerWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// What a server did.
    enum Violation: Error {
        case status(UInt)
        /// No complete header of a response for that many seconds.
        case slowHeader(seconds: Int)
        /// Fewer bytes of a body than `MinimumPace` in its time.
        case slowBody
    }

    private enum Phase {
        case idle
        /// The request is on its way, or the header of the response.
        case waitingForHeader
        case readingBody
        /// Nothing more is handed on.
        case broken
    }

    private let headerSeconds: Int
    private let pace: MinimumPace
    private var phase = Phase.idle
    /// Since when bytes are wanted and none of use came.
    private var waitingSince: NIODeadline?
    /// How long was waited, and for how many bytes, since it was last looked at.
    private var waited = TimeAmount.zero
    private var received = 0
    private var clock: RepeatedTask?

    init(headerSeconds: Int, pace: MinimumPace) {
        self.headerSeconds = headerSeconds
        self.pace = pace
    }

    /// Puts a handler between the parser of responses and the one that hands them on.
    static func install(in channel: any Channel, headerSeconds: Int, pace: MinimumPace) throws {
        let pipeline = channel.pipeline.syncOperations
        let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
        try pipeline.addHandler(
            ServerWatch(headerSeconds: headerSeconds, pace: pace),
            position: .after(parser)
        )
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data), phase == .idle {
            phase = .waitingForHeader
            start(context)
            waitingSince = .now()
        }
        context.write(data, promise: promise)
    }

    func read(context: ChannelHandlerContext) {
        if waitingSince == nil { waitingSince = .now() }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case _ where phase == .broken: return
        case .head(let head):
            guard head.status.code >= 100 else { return fail(.status(head.status.code), context) }
            // What goes before the response proper (RFC 9110, section 15.2) is not a sign of progress.
            if head.status.code >= 200 || head.status.code == 101 {
                phase = .readingBody
                if clock == nil { start(context) }
                reset()
            }
        case .body(let bytes):
            received += bytes.readableBytes
            if let start = waitingSince { waited = waited + (.now() - start) }
            waitingSince = nil
        case .end:
            stop()
        }
        context.fireChannelRead(data)
    }

    private func start(_ context: ChannelHandlerContext) {
        reset()
        let interval = TimeAmount.milliseconds(Int64(max(min(pace.seconds, headerSeconds), 1)) * 250)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        clock = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let (watch, context) = bound.value
            watch.look(context)
        }
    }

    private func stop() {
        clock?.cancel()
        clock = nil
        if phase != .broken { phase = .idle }
    }

    private func reset() {
        waited = .zero
        received = 0
        waitingSince = waitingSince == nil ? nil : .now()
    }

    private func look(_ context: ChannelHandlerContext) {
        let total = waited + (waitingSince.map { .now() - $0 } ?? .zero)
        switch phase {
        case .idle, .broken: return
        case .waitingForHeader:
            if total > .seconds(Int64(headerSeconds)) { fail(.slowHeader(seconds: headerSeconds), context) }
        case .readingBody:
            guard total > .seconds(Int64(pace.seconds)) else { return }
            if received < pace.bytes { fail(.slowBody, context) } else { reset() }
        }
    }

    private func fail(_ violation: Violation, _ context: ChannelHandlerContext) {
        phase = .broken
        stop()
        context.fireErrorCaught(violation)
        context.close(promise: nil)
    }
}

/// How fast a body has to come at least.
struct MinimumPace: Sendable {
    let bytes: Int
    let seconds: Int

    /// A modem of the last century is ten times as fast.
    static let usual = MinimumPace(bytes: 30 << 10, seconds: 30)
}
