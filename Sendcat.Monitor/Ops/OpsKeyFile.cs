namespace Sendcat.Monitor.Ops;

/// <summary>The operator's key: <c>OPS_API_KEY</c>, else the file that a local run writes. It is no option, for command lines are seen by others.</summary>
internal static class OpsKeyFile
{
    private const string Name = "ops-api-key";

    public static string? Find() => Environment.GetEnvironmentVariable("OPS_API_KEY") is { Length: > 0 } given ? given.Trim() : Read(Folder());

    internal static string? Read(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, Name)).Trim() is { Length: > 0 } key ? key : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Folder() => Environment.GetEnvironmentVariable("SENDCAT_STATE") is { Length: > 0 } state ? state : Path.Combine(Environment.CurrentDirectory, ".sendcat");
}
