public import ArgumentParser
public import Distribution

extension PullPolicy: ExpressibleByArgument {}
