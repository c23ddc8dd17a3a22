namespace Sendcat.TestKit.Programs;

/// <summary>The environment variables of every program that a test starts.</summary>
internal static class ProgramEnvironment
{
    private const string Name = "DOTNET_ENVIRONMENT";

    /// <summary>
    /// Adds the addresses and the environment name. The name is set in both of its variables, because the shell of the test may have set
    /// the variable that a web application prefers.
    /// </summary>
    public static Dictionary<string, string?> Of(IReadOnlyDictionary<string, string?> given, string urls)
    {
        var name = given.GetValueOrDefault(Name) ?? "Development";
        return new(given) { ["ASPNETCORE_URLS"] = urls, [Name] = name, ["ASPNETCORE_ENVIRONMENT"] = name };
    }
}
