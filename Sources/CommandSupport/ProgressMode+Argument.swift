public import ArgumentParser
public import TerminalUI

extension ProgressMode: ExpressibleByArgument {}
