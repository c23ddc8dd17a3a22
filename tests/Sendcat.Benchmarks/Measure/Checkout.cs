using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Measure;

/// <summary>Where this build lies, its neighbours beside it.</summary>
internal static class Checkout
{
    public static string Configuration => BuiltProgram.Configuration;

    public static string Root => BuiltProgram.Root;

    /// <summary>The executable of another project of the same build.</summary>
    /// <exception cref="FileNotFoundException">It was not built.</exception>
    public static string Executable(string project) => BuiltProgram.Of(project);
}
