import OCI
import Testing

@Suite("The members of a JSON object")
struct JSONMembersTests {
    @Test("are found and decoded one by one, however they are written")
    func members() throws {
        let text = #"""
             { "name" :"a b", "escaped":"\u00e9\"\\", "number": -12 ,"list":["x","y,]\"", "\n"],"empty":[ ],
               "nothing":null, "inner":{"a":{"b":[1,{"c":"}"}]},"d":"e"}, "objects":[{"n":1},{"n":2}], "last":true}

            """#
        let members = try JSONMembers(Array(text.utf8))
        #expect(try members.text("name") == "a b")
        #expect(try members.text("escaped") == "é\"\\")
        #expect(try members.integer("number") == -12)
        #expect(try members.texts("list") == ["x", "y,]\"", "\n"])
        #expect(try members.texts("empty") == [])
        #expect(try members.object("inner").text("d") == "e")
        #expect(try members.objects("objects").map { try $0.integer("n") } == [1, 2])
        #expect(try members.value("last", as: Bool.self))
        #expect(members.has("last") && !members.has("nothing") && !members.has("nope"))
        #expect(members.isFilled("list") && members.isFilled("inner"))
        #expect(try JSONMembers(Array("{}".utf8)).has("a") == false)
        for wrong in ["nope", "number", "list"] {
            #expect(throws: DecodingError.self) { try members.text(wrong) }
            if wrong != "number" { #expect(throws: DecodingError.self) { try members.integer(wrong) } }
        }
    }

    @Test(
        "are not read of what is not an object",
        arguments: [
            "", " ", "{", "[]", "1", "null", #"{"a"}"#, #"{"a":}"#, #"{"a":1"#, #"{"a":"b}"#, #"{"a":"\"#, "{,}",
            #"{"a":[1}"#,
        ]
    )
    func damaged(_ text: String) {
        #expect(throws: DecodingError.self) { try JSONMembers(Array(text.utf8)).texts("a") }
    }
}
