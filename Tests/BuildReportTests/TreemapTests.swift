import Testing

@testable import BuildReport

@Suite("Treemaps")
struct TreemapTests {
    @Test(
        "have areas as the values are, and leave neither gaps nor overlaps",
        arguments: [
            [1], [6, 6, 4, 3, 2, 2, 1], [1000, 1], [5, 5, 5, 5, 5], Array(repeating: 1, count: 40),
            [1e12, 1e3, 1, 1e-3],
            (1...40).map { 1.0 / Double($0 * $0) },
        ] as [[Double]]
    )
    func areas(values: [Double]) {
        let rectangles = Treemap.rectangles(values, ratio: 3)
        let total = values.reduce(0, +)
        #expect(rectangles.count == values.count)
        for (value, rectangle) in zip(values, rectangles) {
            #expect(abs(rectangle.width * rectangle.height - value / total) < 1e-9)
            #expect(rectangle.x >= -1e-9 && rectangle.x + rectangle.width <= 1 + 1e-9)
            #expect(rectangle.y >= -1e-9 && rectangle.y + rectangle.height <= 1 + 1e-9)
        }
        for (position, one) in rectangles.enumerated() {
            for other in rectangles[(position + 1)...] {
                let width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
                let height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
                #expect(width < 1e-9 || height < 1e-9)
            }
        }
    }

    @Test("are as square as their inventors' example")
    func squarified() {
        // Figure 4 of the paper: 6, 6, 4, 3, 2, 2, 1 in a rectangle of 6 by 4.
        let rectangles = Treemap.rectangles([6, 6, 4, 3, 2, 2, 1], ratio: 1.5)
        let sides = rectangles.map { (width: $0.width * 6, height: $0.height * 4) }
        #expect(abs(sides[0].width - 3) < 1e-9 && abs(sides[0].height - 2) < 1e-9)
        #expect(abs(sides[1].width - 3) < 1e-9 && abs(sides[1].height - 2) < 1e-9)
        #expect(sides.prefix(4).allSatisfy { max($0.width / $0.height, $0.height / $0.width) < 2 })
    }

    @Test("of nothing are empty")
    func empty() {
        #expect(Treemap.rectangles([], ratio: 1).isEmpty)
        let none = Treemap.Rectangle(x: 0, y: 0, width: 0, height: 0)
        #expect(Treemap.rectangles([0, 0], ratio: 1) == [none, none])
        #expect(Treemap.rectangles([1, 0], ratio: 1)[0] == .whole)
    }
}
