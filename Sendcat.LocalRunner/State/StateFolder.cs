using Aspire.Hosting;

namespace Sendcat.LocalRunner.State;

/// <summary>Where a run keeps what it must find again: <c>.sendcat/</c> beside the AppHost's folder, or <c>SENDCAT_STATE</c>.</summary>
internal sealed record StateFolder(string Path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Others may pass through, to a folder that is theirs (Postgres, run as its own user), but see nothing.</summary>
    private const UnixFileMode PassThrough = OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static StateFolder Of(IDistributedApplicationBuilder builder) =>
        new(System.IO.Path.GetFullPath(builder.Configuration["SENDCAT_STATE"] ?? "../.sendcat", builder.AppHostDirectory));

    /// <summary>What only lives as long as a run: lock, table, commands.</summary>
    public string Run => Sub("run");

    public string Logs => Sub("logs");

    public string Commands => Sub("run/commands");

    public string Parameters => System.IO.Path.Combine(Sub(""), "parameters.json");

    private string Sub(string name)
    {
        var path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.Combine(Path, name));
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Path, PassThrough);
            Directory.CreateDirectory(path, OwnerOnly);
        }

        return path;
    }
}
