using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Measure;

/// <summary>The checkout that contains this build, and the programs of the same build.</summary>
internal static class Checkout
{
    public static string Configuration => BuiltProgram.Configuration;

    public static string Root => BuiltProgram.Root;

    /// <summary>The executable of another project of the same build.</summary>
    /// <exception cref="FileNotFoundException">The project is not built.</exception>
    public static string Executable(string project) => BuiltProgram.Of(project);
}
