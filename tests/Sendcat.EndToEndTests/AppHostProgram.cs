using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>The built AppHost as a separate process, as <c>dotnet run</c> starts it.</summary>
internal static class AppHostProgram
{
    public static ProcessSpec With(params string[] arguments) =>
        new("dotnet", [typeof(Projects.Sendcat_AppHost).Assembly.Location, .. arguments])
    {
        Environment = new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
        },
    };
}
