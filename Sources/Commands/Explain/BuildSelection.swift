import BuildRecords
import Reporting

extension BuildRecordStore {
    /// The build that a user means.
    ///
    /// - Throws: `UserError` when none is remembered.
    func found(_ text: String) throws -> BuildRecord {
        if let record = record(matching: text) { return record }
        throw UserError(
            text == "last"
                ? "no build has been recorded" : "no recorded build produced `\(EscapedText.escaped(text))`",
            hints: ["the latest \(BuildRecordStore.limit) builds of a store are remembered"]
        )
    }
}

extension BuildRecord {
    /// The steps with a number, or all.
    ///
    /// - Throws: `UserError` when there is none.
    func places(ofStep number: Int?) throws -> [StepPlace] {
        guard let number else { return places }
        let found = places.filter { number > 0 && self[$0].number == number }
        guard !found.isEmpty else {
            throw UserError("the build has no step \(number): its steps are 1 to \(stepCount)")
        }
        return found
    }
}
