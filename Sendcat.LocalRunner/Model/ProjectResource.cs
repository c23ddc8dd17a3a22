namespace Aspire.Hosting.ApplicationModel
{
    public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport;

    public class ExecutableResource(string name, string command, string workingDirectory)
        : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
    {
        public string Command { get; } = command;

        public string WorkingDirectory { get; } = workingDirectory;
    }
}

namespace Aspire.Hosting
{
    /// <summary>What the build writes down about a referenced project, as a class in the namespace <c>Projects</c>.</summary>
    public interface IProjectMetadata : ApplicationModel.IResourceAnnotation
    {
        string ProjectPath { get; }
    }
}

namespace Sendcat.LocalRunner
{
    /// <summary>The program that a referenced project was built to; this runner starts that and builds nothing.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class BuiltProgramAttribute(string path) : Attribute
    {
        public string Path { get; } = path;
    }
}
