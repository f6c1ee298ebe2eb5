/// The labels by which Docker Compose and this program know what belongs to a project.
public enum ProjectLabel {
    public static let project = "com.docker.compose.project"
    public static let service = "com.docker.compose.service"
    public static let number = "com.docker.compose.container-number"
    /// `True` for a container that runs one command, otherwise `False`.
    public static let isOneOff = "com.docker.compose.oneoff"
    public static let hash = "com.docker.compose.config-hash"
    public static let image = "com.docker.compose.image"
    public static let directory = "com.docker.compose.project.working_dir"
    /// Separated by commas.
    public static let files = "com.docker.compose.project.config_files"
    /// `service:condition:restart` for each dependency, separated by commas.
    public static let dependencies = "com.docker.compose.depends_on"
    public static let version = "com.docker.compose.version"
    public static let network = "com.docker.compose.network"
    public static let volume = "com.docker.compose.volume"
    /// What makes the name of a container that runs one command its own.
    public static let slug = "com.docker.compose.slug"

    /// The release of Docker Compose whose labels and hashes these are.
    public static let followedVersion = "2.40.3"
}
