internal import Testing

/// The Dockerfile language, seen from outside: rules that builders easily get wrong.
@Suite("The Dockerfile language")
struct LanguageTests {
    @Test("text after a JSON form turns it into shell form; elements that are not strings are an error")
    func jsonForm() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(#"FROM scratch\#nENTRYPOINT ["x"] # note"#)
            #expect(image.config["Entrypoint"] == ["/bin/sh", "-c", #"["x"] # note"#])
            let exec = try await f.build(#"FROM scratch\#nENTRYPOINT ["x", "a b"]\#nCMD []"#)
            #expect(exec.config["Entrypoint"] == ["x", "a b"])
            let message = try await f.buildFailing(#"FROM scratch\#nENTRYPOINT ["x", 1]"#)
            #expect(message.contains(":2"))
        }
    }

    @Test("directives end at the first line that is none; repeating one is an error")
    func directives() async throws {
        try await BuildFixture.with { f in
            let escaped = try await f.build("# ESCAPE = `\nFROM scratch\nENV A=one`\n,two B=x")
            #expect(escaped.environment.contains("A=one,two"))
            let late = try await f.build("# comment\n# escape=`\nFROM scratch\nENV A=one\\\n,two")
            #expect(late.environment.contains("A=one,two"))
            let unknown = try await f.build("# unknown=x\n# escape=`\nFROM scratch\nENV A=one\\\n,two")
            #expect(unknown.environment.contains("A=one,two"))
            try await f.buildFailing("# escape=`\n# escape=`\nFROM scratch")
            try await f.buildFailing("# escape=x\nFROM scratch")
        }
    }

    @Test("comment lines within a continuation vanish, blank ones too; two backslashes continue nothing")
    func continuations() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                "FROM scratch\nENV A=1 \\\n# comment\n\n  # another\n  B=2 \\ \n  C=3\nENV D=x\\\\\nLABEL l=m\\\n"
            )
            #expect(image.environment.suffix(4) == ["A=1", "B=2", "C=3", "D=x\\"])
            #expect(image.config["Labels"]["l"] == "m")
        }
    }

    @Test("instructions in any case, with a byte order mark and Windows line ends")
    func spelling() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            let image = try await f.build("\u{FEFF}from scratch\r\ncopy a /x\r\nLabel k=v\r")
            #expect(try image.text("/x") == "a")
            #expect(image.config["Labels"]["k"] == "v")
        }
    }

    @Test("a COPY heredoc is expanded without quotes, loses its backslashes, and keeps quotes")
    func copyHeredoc() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                """
                FROM scratch
                ENV NAME=world
                COPY <<one <<"two" <<-three /d/
                hello $NAME "quoted" a\\tb \\$NAME
                one
                hello $NAME\\t
                two
                \t\ttabs
                \tthree
                COPY --chmod=755 --chown=1:2 <<EOF /file
                x
                EOF
                """
            )
            #expect(try image.text("/d/one") == "hello world \"quoted\" atb $NAME\n")
            #expect(try image.text("/d/two") == "hello $NAME\\t\n")
            #expect(try image.text("/d/three") == "tabs\n")
            #expect(image.tree["/d/one"]?.listing == "-644 0:0 /d/one")
            #expect(image.tree["/file"]?.listing == "-755 1:2 /file")
        }
    }

    @Test("a heredoc without its end is an error")
    func unterminated() async throws {
        try await BuildFixture.with { f in
            let message = try await f.buildFailing("FROM scratch\nCOPY <<EOF /x\ntext\nEOF \n")
            #expect(message.contains("EOF"))
            try await f.buildFailing("FROM scratch\nRUN cat <<EOF>/f\ntext\nEOF\n")
        }
    }

    @Test("all words of an ENV see the values before it; ARG is evaluated from left to right")
    func evaluationOrder() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                "FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nARG A=1 B=$A\nLABEL b=$B\nENV old style  value"
            )
            #expect(image.environment.suffix(4) == ["abc=bye", "def=hello", "ghi=bye", "old=style  value"])
            #expect(image.config["Labels"]["b"] == "1")
        }
    }

    @Test("the modifiers of variables")
    func modifiers() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                """
                FROM scratch
                ENV V=a.tar.gz E=
                LABEL minus=${E-d} colonminus=${E:-d} unset=${U-d} plus=${E+d} colonplus=${E:+d} nested=${U:-${V}}
                LABEL short=${V%.*} long=${V%%.*} front=${V#*.} frontlong=${V##*.} one=${V/./-} all=${V//./-}
                LABEL single='$V' double="$V" escaped=\\$V twice=$V$V
                """
            )
            let expected = [
                "minus": "", "colonminus": "d", "unset": "d", "plus": "d", "colonplus": "", "nested": "a.tar.gz",
                "short": "a.tar", "long": "a", "front": "tar.gz", "frontlong": "gz", "one": "a-tar.gz",
                "all": "a-tar-gz",
                "single": "$V", "double": "a.tar.gz", "escaped": "$V", "twice": "a.tar.gza.tar.gz",
            ]
            for (name, value) in expected {
                #expect(image.config["Labels"][name].text == value, "\(name)")
            }
            let message = try await f.buildFailing("FROM scratch\nLABEL a=${NEEDED:?is not set}")
            #expect(message.contains("NEEDED") && message.contains("is not set"))
        }
    }

    @Test("scopes of ARG: global ones are declared again in a stage, a stage based on a stage inherits them")
    func scopes() async throws {
        try await BuildFixture.with { f in
            let text = """
                ARG VERSION=1
                ARG NAME=scratch
                FROM ${NAME} AS one
                LABEL before=${VERSION-unset}
                ARG VERSION
                ARG OWN=own
                LABEL after=$VERSION
                FROM one
                LABEL child=${OWN-unset}$VERSION
                """
            let image = try await f.build(text)
            #expect(image.config["Labels"]["before"] == "unset")
            #expect(image.config["Labels"]["after"] == "1")
            #expect(image.config["Labels"]["child"] == "own1")
            let other = try await f.build(
                text,
                "--build-arg",
                "VERSION=2",
                "--build-arg",
                "OWN",
                environment: ["OWN": "env"]
            )
            #expect(other.config["Labels"]["after"] == "2")
            #expect(other.config["Labels"]["child"] == "env2")
        }
    }

    @Test("a build argument that no ARG declares is said to be unused")
    func unusedArgument() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build("FROM scratch\nLABEL a=${X-unset}", "--build-arg", "X=1")
            #expect(image.config["Labels"]["a"] == "unset")
            #expect(image.transcript.contains("X"))
        }
    }

    @Test("ENV wins over --build-arg once it is set; the image keeps the ENV value")
    func environmentAfterArgument() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                "FROM scratch\nARG V=1\nENV V=env\nLABEL one=$V\nARG V=2\nLABEL two=$V",
                "--build-arg",
                "V=flag"
            )
            #expect(image.config["Labels"]["one"] == "env")
            #expect(image.config["Labels"]["two"] == "flag")
            #expect(image.environment.contains("V=env"))
        }
    }
}
