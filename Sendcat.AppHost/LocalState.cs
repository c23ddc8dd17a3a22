namespace Sendcat.AppHost;

/// <summary>Where a local run keeps its data: <c>.sendcat/</c> of the checkout, or <c>SENDCAT_STATE</c>.</summary>
internal sealed record LocalState(string Folder)
{
    public static LocalState Of(IDistributedApplicationBuilder builder) =>
        new(Path.GetFullPath(builder.Configuration["SENDCAT_STATE"] ?? "../.sendcat", builder.AppHostDirectory));

    public async Task WriteSecretAsync(string name, string secret, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        var path = Path.Combine(Folder, name);
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var writer = new StreamWriter(path, options);
        await writer.WriteAsync(secret.AsMemory(), cancellationToken);
    }
}
