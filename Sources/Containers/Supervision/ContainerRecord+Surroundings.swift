internal import CSandbox
internal import ContainerRuntime
internal import Sandbox

extension ContainerRecord {
    /// Makes the control groups, and says everything about the process that is not in its specification.
    ///
    /// - Throws: `ContainerStoreError.unsupported` for what this machine cannot keep.
    func surroundings() throws -> (ContainerSurroundings, ControlGroup?) {
        let devices = try machine.deviceFiles()
        // Those with CAP_SYS_ADMIN may have every device.
        let hasAllDevices = process.privileges.capabilities.contains(.all)
        let group = try ControlGroup(id, limits, devices: hasAllDevices ? nil : machine.rules(devices))
        if !hasAllDevices { try machine.checkIsKept(by: group) }
        guard group != nil || !machine.sharesProcesses else {
            throw ContainerStoreError.unsupported(
                "--pid needs a control group, without which processes would stay behind"
            )
        }
        var surroundings = ContainerSurroundings()
        group?.join(&surroundings)
        surroundings.isRootReadOnly = isRootReadOnly
        surroundings.kernelParameters = kernelParameters.compactMap { KernelParameter(name: $0, value: $1) }
        surroundings.domainName = domainName
        surroundings.devices = devices.map { ($0.source, $0.target) }
        surroundings.usesInit = usesInit
        surroundings.sharedNamespaces = machine.namespaces
        surroundings.memoryScore = machine.memoryScore
        return (surroundings, group)
    }
}

extension MachineAccess {
    /// Without a control group, the filesystems of a container keep out every device but those that are mounted there.
    ///
    /// - Throws: `ContainerStoreError.unsupported` for what these cannot do.
    fileprivate func checkIsKept(by group: ControlGroup?) throws(ContainerStoreError) {
        if let device = devices.first(where: { $0.access != .all }), group?.limitsDevices != true {
            throw .unsupported(
                "--device: `\(device.path)` with the access `\(device.access)` needs a control group for devices"
            )
        }
        if !deviceRules.isEmpty, group?.decidesAboutDevices != true {
            throw .unsupported("--device-cgroup-rule needs a control group of version 2, and root")
        }
    }
}
