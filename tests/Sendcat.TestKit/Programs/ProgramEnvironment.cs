namespace Sendcat.TestKit.Programs;

/// <summary>What every program of a test is started with.</summary>
internal static class ProgramEnvironment
{
    private const string Name = "DOTNET_ENVIRONMENT";

    /// <summary>The name of the environment is set under both of its variables: the one that a web application prefers may come from the shell of the test.</summary>
    public static Dictionary<string, string?> Of(IReadOnlyDictionary<string, string?> given, string urls)
    {
        var name = given.GetValueOrDefault(Name) ?? "Development";
        return new(given) { ["ASPNETCORE_URLS"] = urls, [Name] = name, ["ASPNETCORE_ENVIRONMENT"] = name };
    }
}
