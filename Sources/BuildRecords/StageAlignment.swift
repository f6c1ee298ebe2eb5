/// Which steps of an earlier build stand for the steps of a stage.
struct StageAlignment {
    /// For each step the position of the earlier one, in ascending order; `nil` for a step that is new.
    private(set) var earlier: [Int?]

    /// More pairs of steps than this are not compared with each other.
    private static let limit = 1 << 21

    /// Pairs the steps of the same text in the same order, as many as there are.
    ///
    /// Between these, steps of the same instruction stand for each other. The first step of a stage, its `FROM`, always
    /// stands for the first.
    init(_ steps: [BuildRecord.Step], with old: [BuildRecord.Step]) {
        earlier = [Int?](repeating: nil, count: steps.count)
        guard !steps.isEmpty, !old.isEmpty else { return }
        earlier[0] = 0
        var start = 1
        while start < min(steps.count, old.count), steps[start].text == old[start].text {
            earlier[start] = start
            start += 1
        }
        var (end, oldEnd) = (steps.count, old.count)
        while end > start, oldEnd > start, steps[end - 1].text == old[oldEnd - 1].text {
            (end, oldEnd) = (end - 1, oldEnd - 1)
            earlier[end] = oldEnd
        }
        if (end - start) * (oldEnd - start) <= StageAlignment.limit { match(steps, start..<end, old, start..<oldEnd) }
        pairChanged(steps, start..<end, old, start..<oldEnd)
    }

    /// The longest common subsequence of the texts.
    private mutating func match(
        _ steps: [BuildRecord.Step],
        _ range: Range<Int>,
        _ old: [BuildRecord.Step],
        _ oldRange: Range<Int>
    ) {
        let width = oldRange.count + 1
        // How long it is from each pair of positions to the ends.
        var lengths = [Int32](repeating: 0, count: (range.count + 1) * width)
        func index(_ step: Int, _ other: Int) -> Int { (step - range.lowerBound) * width + other - oldRange.lowerBound }
        for step in range.reversed() {
            for other in oldRange.reversed() {
                lengths[index(step, other)] =
                    steps[step].text == old[other].text
                    ? lengths[index(step + 1, other + 1)] + 1
                    : max(lengths[index(step + 1, other)], lengths[index(step, other + 1)])
            }
        }
        var (step, other) = (range.lowerBound, oldRange.lowerBound)
        while step < range.upperBound, other < oldRange.upperBound {
            if steps[step].text == old[other].text {
                earlier[step] = other
                (step, other) = (step + 1, other + 1)
            } else if lengths[index(step + 1, other)] >= lengths[index(step, other + 1)] {
                step += 1
            } else {
                other += 1
            }
        }
    }

    private mutating func pairChanged(
        _ steps: [BuildRecord.Step],
        _ range: Range<Int>,
        _ old: [BuildRecord.Step],
        _ oldRange: Range<Int>
    ) {
        var next = oldRange.lowerBound
        for step in range {
            if let known = earlier[step] {
                next = known + 1
                continue
            }
            let limit = earlier[step..<range.upperBound].compactMap { $0 }.first ?? oldRange.upperBound
            guard next < limit,
                let other = (next..<limit).first(where: { old[$0].keyword == steps[step].keyword })
            else { continue }
            earlier[step] = other
            next = other + 1
        }
    }
}

extension BuildRecord.Step {
    /// The instruction's name.
    var keyword: String { String(text.prefix { $0 != " " && $0 != "\t" }).uppercased() }
}
