namespace Sendcat.Benchmarks.Measure;

/// <summary>Where this build lies: <c>&lt;root&gt;/artifacts/&lt;flavour&gt;/bin/Sendcat.Benchmarks/&lt;configuration&gt;/</c>, its neighbours beside it.</summary>
internal static class Checkout
{
    private static readonly DirectoryInfo Output = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    public static string Configuration => Output.Name;

    public static string Root { get; } = FindRoot(Output);

    /// <summary>The executable of another project of the same build.</summary>
    /// <exception cref="FileNotFoundException">It was not built.</exception>
    public static string Executable(string project)
    {
        var file = Path.Combine(Output.Parent!.Parent!.FullName, project, Configuration, project);
        return File.Exists(file) ? file : throw new FileNotFoundException($"{project} is not built for {Configuration}: {file}");
    }

    private static string FindRoot(DirectoryInfo folder) =>
        File.Exists(Path.Combine(folder.FullName, "Sendcat.Aspire.sln")) ? folder.FullName : FindRoot(folder.Parent ?? throw new InvalidOperationException("Not inside a checkout."));
}
