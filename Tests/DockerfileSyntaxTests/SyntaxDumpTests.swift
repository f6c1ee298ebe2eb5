import DockerfileSyntax
import Reporting
import Testing

@Suite struct SyntaxDumpTests {
    @Test(
        "an instruction is dumped as BuildKit's parser does",
        arguments: [
            ("FROM scratch", #"(from "scratch")"#), ("from  a\tAS\t\tb", #"(from "a" "AS" "b")"#),
            ("RUN echo  'x  y' \\\n  z", #"(run "echo  'x  y'   z")"#), ("RUN", "(run)"), ("RUN []", "(run)"),
            (#"CMD ["a", "b\n\u0000é"]"#, #"(cmd "a" "b\n\x00é")"#), ("CMD ['a']", #"(cmd "['a']")"#),
            (#"CMD --x=1 --y [ "a" ]"#, #"(cmd ["--x=1" "--y"] "a")"#), ("COPY -- a b", #"(copy "a" "b")"#),
            (#"COPY --chown="1 2" a /b"#, #"(copy ["--chown=1 2"] "a" "/b")"#),
            (#"ADD ["a b","c"]"#, #"(add "a b" "c")"#),
            ("ENV a=b c='d e' f=", #"(env "a" "b" "=" "c" "'d e'" "=" "f" "" "=")"#),
            ("ENV a  b  c", #"(env "a" "b  c" "")"#), ("LABEL a.b=1=2", #"(label "a.b" "1=2" "=")"#), ("ENV", "(env)"),
            ("ARG a b=\"c d\"", #"(arg "a" "b=\"c d\"")"#), ("EXPOSE 80 $P", #"(expose "80" "$P")"#),
            (#"VOLUME ["/a"]"#, #"(volume "/a")"#), ("VOLUME /a /b", #"(volume "/a" "/b")"#),
            ("WORKDIR a  b", #"(workdir "a  b")"#), ("USER a", #"(user "a")"#), ("STOPSIGNAL 9", #"(stopsignal "9")"#),
            ("MAINTAINER A <b@c>", #"(maintainer "A <b@c>")"#), ("SHELL [\"a\"]", #"(shell "a")"#),
            ("HEALTHCHECK", "(healthcheck)"), ("HEALTHCHECK NONE", #"(healthcheck "NONE")"#),
            ("HEALTHCHECK --interval=5s CMD a  b", #"(healthcheck ["--interval=5s"] "CMD" "a  b")"#),
            (#"HEALTHCHECK CMD [ "a", "b" ]"#, #"(healthcheck "CMD" "a" "b")"#),
            ("ONBUILD", "(onbuild)"), ("onbuild add --x a b", #"(onbuild (add ["--x"] "a" "b"))"#),
            ("RUN cat <<EOF\nbody\nEOF", #"(run "cat <<EOF")"#),
            ("COPY <<A <<'B' /c/\na\nA\nb\nB", #"(copy "<<A" "<<'B'" "/c/")"#),
            ("Foo bar baz", #"(foo "")"#), ("# escape=`\nRUN a`\nb", #"(run "ab")"#),
            ("RUN \u{A0}\u{200B}", #"(run "\u00a0\u200b")"#),
            ("FROM a\n\n# c\nRUN b\n", "(from \"a\")\n(run \"b\")"), ("\u{FEFF}FROM a", #"(from "a")"#),
        ]
    )
    func dumps(text: String, expected: String) throws {
        #expect(try SyntaxDump(parsing: SourceText(name: "Dockerfile", text: text)).text == expected)
    }

    @Test(
        "what that pass refuses",
        arguments: [
            "", "# only a comment\n", "CMD [1]", "ENV a", "ENV a=b c", "RUN <<A\nb\n", "# escape=x\nRUN a",
            "# syntax=a\n# syntax=b\nRUN a", "HEALTHCHECK CMD [1]", "ONBUILD CMD [1]",
        ]
    )
    func fails(text: String) {
        #expect(throws: DiagnosticsError.self) { try SyntaxDump(parsing: SourceText(name: "Dockerfile", text: text)) }
    }
}
