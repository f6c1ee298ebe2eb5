extension ImageConfiguration.HistoryEntry {
    /// The instruction as it would stand in a Dockerfile, as far as what the builder wrote tells.
    ///
    /// BuildKit writes `RUN /bin/sh -c CMD # buildkit`, Docker before it `/bin/sh -c CMD`, and for what runs nothing
    /// `/bin/sh -c #(nop) INSTRUCTION`; both put `|COUNT NAME=VALUE…` before a command with build arguments.
    public var instruction: String {
        var text = (createdBy ?? "")[...]
        if text.hasSuffix(" # buildkit") { text = text.dropLast(" # buildkit".count) }
        let shell = "/bin/sh -c "
        if text.hasPrefix(shell + "#(nop) ") {
            return String(text.dropFirst((shell + "#(nop) ").count).drop { $0 == " " })
        }
        let isRun = text.hasPrefix("RUN ")
        let command = isRun ? text.dropFirst("RUN ".count) : text
        if command.hasPrefix(shell) { return "RUN " + command.dropFirst(shell.count) }
        if command.hasPrefix("|"), let start = command.firstRange(of: " " + shell) {
            return "RUN " + command[start.upperBound...]
        }
        return String(text)
    }
}
