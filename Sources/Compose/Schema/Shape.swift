/// What a value of the specification may be, and what it becomes.
///
/// The tables made of it are the one place that knows the keys: reading, merging, printing and `docs/compose.md` follow
/// them. The order of fields is that of Docker's output.
indirect enum Shape: Sendable {
    case string
    /// A string, or a number or boolean that becomes one.
    case text
    case boolean
    case whole(ClosedRange<Int64>)
    case number
    /// A size such as `512m`, printed as a string of digits.
    case bytes
    /// Nanoseconds as text, `1m30s`.
    case duration
    /// `0440`, printed as a string of octal digits.
    case fileMode
    case choice([String])
    case list(Shape, UniqueKey)
    /// A string stands for a list of one.
    case strings(UniqueKey)
    /// A mapping, or a list of `name=value`; a name alone is null, or empty where null means nothing.
    case pairs(hasNull: Bool)
    case map(Shape)
    case record(Record)
    /// A list, or a text that is split as a shell does; null is none.
    case command
    case anyOf(Shape, Shape)
    case short(ShortForm, Shape)
    case anything

    static let natural = Shape.whole(0...Int64.max)
    static let signed = Shape.whole(Int64.min...Int64.max)
}

/// What makes two elements of a list the same, so that the one of the later file counts.
enum UniqueKey: Sendable {
    /// Nothing: lists are appended.
    case none
    case whole
    /// What stands before `=`.
    case name
    case field(String)
    case port
    /// The target, which is the source below a directory where there is none.
    case mount(String)
}

/// Ways of writing a value that become its full form.
enum ShortForm: Sendable {
    case build, dependencies, names, ports, volume, environmentFiles, fileReference, device, extends, include
    case healthTest, ssh, extraHosts, resource
}

/// What a mapping with known keys may have.
final class Record: Sendable {
    let fields: [Field]
    let required: [String]
    /// Whether it is printed when nothing is in it: what is a pointer in Docker's own types.
    let isKeptEmpty: Bool
    private let positions: [String: Int]

    init(required: [String] = [], keptEmpty: Bool = false, _ fields: [Field]) {
        self.fields = fields
        self.required = required
        isKeptEmpty = keptEmpty
        positions = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($0.element.name, $0.offset) })
    }

    subscript(name: String) -> Field? { positions[name].map { fields[$0] } }
}

/// A key of a record.
struct Field: Sendable {
    enum Support: Sendable, Equatable {
        case full
        /// Read, and nothing becomes of it: a warning says why.
        case ignored(String)
        /// An error says why.
        case missing(String)
    }

    enum Merge: Sendable {
        /// Mappings by key, lists appended, anything else replaced.
        case natural
        case replace
        /// Options of the same driver are merged, those of another replaced.
        case logging
    }

    let name: String
    let shape: Shape
    var support = Support.full
    var merge = Merge.natural
    /// Whether zero, false and empty are printed.
    var keepsZero = false

    init(_ name: String, _ shape: Shape, _ support: Support = .full, merge: Merge = .natural, keepsZero: Bool = false) {
        self.name = name
        self.shape = shape
        self.support = support
        self.merge = merge
        self.keepsZero = keepsZero
    }
}
