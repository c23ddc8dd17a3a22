namespace Sendcat.Monitor.Ops;

/// <summary>
/// Finds a key for the operator API: <c>OPS_API_KEY</c>, else <c>OPS_VIEWER_KEY</c>, else the files that a local run writes, in the same
/// order.
/// The key is not a command-line option, because other users can read command lines.
/// </summary>
internal static class OpsKeyFile
{
    private const string Operator = "ops-api-key";
    private const string Viewer = "ops-viewer-key";

    public static string? Find() => Given("OPS_API_KEY") ?? Given("OPS_VIEWER_KEY") ?? Read(Folder());

    /// <summary>The operator's key, else the viewer's key: this account may be allowed to read only the second file.</summary>
    internal static string? Read(string folder) => Text(Path.Combine(folder, Operator)) ?? Text(Path.Combine(folder, Viewer));

    private static string? Given(string variable) =>
        Environment.GetEnvironmentVariable(variable)?.Trim() is { Length: > 0 } key ? key : null;

    private static string? Text(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } key ? key : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Folder() =>
        Environment.GetEnvironmentVariable("SENDCAT_STATE") is { Length: > 0 } state
            ? state
            : Path.Combine(Environment.CurrentDirectory, ".sendcat");
}
