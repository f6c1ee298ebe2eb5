public import ArgumentParser
public import Containers

extension WaitCondition: ExpressibleByArgument {}
