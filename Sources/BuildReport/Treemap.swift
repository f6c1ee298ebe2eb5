/// Rectangles whose areas are as values are to each other, in the shape of squares as far as possible.
///
/// The algorithm is that of Bruls, Huizing and van Wijk, *Squarified Treemaps* (2000).
enum Treemap {
    /// All four from 0 to 1, as parts of the whole map.
    struct Rectangle: Equatable {
        var (x, y, width, height): (Double, Double, Double, Double)

        static let whole = Rectangle(x: 0, y: 0, width: 1, height: 1)

        init(x: Double, y: Double, width: Double, height: Double) {
            (self.x, self.y, self.width, self.height) = (x, y, width, height)
        }
    }

    /// The rectangles of values, which are in descending order; one of a value that is not positive has no area.
    ///
    /// - Parameter ratio: The width of the map by its height.
    static func rectangles(_ values: [Double], ratio: Double) -> [Rectangle] {
        let total = values.reduce(0) { $0 + max($1, 0) }
        guard total > 0 else { return values.map { _ in Rectangle(x: 0, y: 0, width: 0, height: 0) } }
        // In units in which the map is `ratio` wide and 1 high.
        let areas = values.map { max($0, 0) / total * ratio }
        var result: [Rectangle] = []
        var free = Rectangle(x: 0, y: 0, width: ratio, height: 1)
        var start = 0
        while start < areas.count {
            let side = min(free.width, free.height)
            var end = start + 1
            while end < areas.count, worst(areas[start..<end + 1], side) <= worst(areas[start..<end], side) { end += 1 }
            place(areas[start..<end], in: &free, &result)
            start = end
        }
        return result.map { Rectangle(x: $0.x / ratio, y: $0.y, width: $0.width / ratio, height: $0.height) }
    }

    /// The longer side by the shorter one of the worst rectangle of a row along a side.
    private static func worst(_ areas: ArraySlice<Double>, _ side: Double) -> Double {
        let sum = areas.reduce(0, +)
        guard sum > 0, side > 0, let most = areas.max(), let least = areas.min(), least > 0 else { return .infinity }
        return max(side * side * most / (sum * sum), sum * sum / (side * side * least))
    }

    /// Fills a strip along the shorter side.
    private static func place(_ areas: ArraySlice<Double>, in free: inout Rectangle, _ result: inout [Rectangle]) {
        let sum = areas.reduce(0, +)
        let isColumn = free.width >= free.height
        let side = isColumn ? free.height : free.width
        // Not more than there is, however values of very different sizes round.
        let thickness = side > 0 ? min(sum / side, isColumn ? free.width : free.height) : 0
        var offset = 0.0
        for area in areas {
            let length = sum > 0 ? side * area / sum : 0
            result.append(
                isColumn
                    ? Rectangle(x: free.x, y: free.y + offset, width: thickness, height: length)
                    : Rectangle(x: free.x + offset, y: free.y, width: length, height: thickness)
            )
            offset += length
        }
        if isColumn {
            free.x += thickness
            free.width = max(free.width - thickness, 0)
        } else {
            free.y += thickness
            free.height = max(free.height - thickness, 0)
        }
    }
}
