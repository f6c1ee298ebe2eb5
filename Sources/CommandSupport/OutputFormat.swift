public import ArgumentParser

/// How a command prints what it found: for people or for programs.
public enum OutputFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    case text, json
}
