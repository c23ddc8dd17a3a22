namespace Sendcat.TestKit.Processes;

/// <summary>Finds programs of the same build as this one: <c>{root}/artifacts/bin/{project}/{configuration}/{project}</c>.</summary>
public static class BuiltProgram
{
    private static readonly DirectoryInfo OutputFolder = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    /// <summary>The build configuration: <c>debug</c> or <c>release</c>.</summary>
    public static string Configuration => OutputFolder.Name;

    /// <summary>The folder of the checkout.</summary>
    public static string Root { get; } = FindRoot(OutputFolder);

    /// <summary>The path of a project's executable.</summary>
    /// <exception cref="FileNotFoundException">The project is not built.</exception>
    public static string Of(string project)
    {
        var file = Path.Combine(OutputFolder.Parent!.Parent!.FullName, project, Configuration, project);
        return File.Exists(file) ? file : throw new FileNotFoundException($"{project} is not built for {Configuration}: {file}");
    }

    /// <summary>The path of a project's published executable: <c>{root}/artifacts/publish/{project}/release/{project}</c>.</summary>
    /// <exception cref="FileNotFoundException">The project is not published.</exception>
    public static string PublishedOf(string project)
    {
        var file = Path.Combine(Root, "artifacts", "publish", project, "release", project);
        return File.Exists(file)
            ? file
            : throw new FileNotFoundException($"{project} is not published (dotnet publish -c Release): {file}");
    }

    private static string FindRoot(DirectoryInfo folder) =>
        File.Exists(Path.Combine(folder.FullName, "Sendcat.Aspire.sln"))
            ? folder.FullName
            : FindRoot(folder.Parent ?? throw new InvalidOperationException("Not inside a checkout."));
}
