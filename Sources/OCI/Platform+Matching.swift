extension Platform {
    /// The position of the platform that serves this one best: the same, else an older variant that this one also runs,
    /// the newest first.
    ///
    /// As containerd chooses: arm v7 also runs v6 and v5, amd64 v3 also runs v2 and v1; arm64 runs no arm of 32 bits.
    public func best(among candidates: [Platform?]) -> Int? {
        // As decoded they are spelt as their author did: `arm64/v8` is `arm64`.
        let candidates = candidates.map {
            $0.map { Platform(os: $0.os, architecture: $0.architecture, variant: $0.variant) }
        }
        for variant in acceptableVariants {
            let wanted = Platform(os: os, architecture: architecture, variant: variant)
            if let match = candidates.firstIndex(of: wanted) { return match }
        }
        return nil
    }

    private var acceptableVariants: [String?] {
        guard let variant, let number = Int(variant.dropFirst()), variant.hasPrefix("v"), number < 100 else {
            return [variant]
        }
        switch architecture {
        // The first variant of each is written without its name (`normalised`).
        case "amd64": return (1...max(number, 1)).reversed().map { $0 == 1 ? nil : "v\($0)" }
        case "arm": return (5...max(number, 5)).reversed().map { "v\($0)" }
        default: return [variant, nil]
        }
    }
}
