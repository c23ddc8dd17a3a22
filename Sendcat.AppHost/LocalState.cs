using System.Text;

namespace Sendcat.AppHost;

/// <summary>Where a local run keeps its data: <c>.sendcat/</c> of the checkout, or <c>SENDCAT_STATE</c>.</summary>
internal sealed record LocalState(string Folder)
{
    public static LocalState Of(IDistributedApplicationBuilder builder) =>
        new(Path.GetFullPath(builder.Configuration["SENDCAT_STATE"] ?? "../.sendcat", builder.AppHostDirectory));

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>The text of a file; null when there is none.</summary>
    public string? Read(string name) => System.IO.File.Exists(File(name)) ? System.IO.File.ReadAllText(File(name)).Trim() : null;

    /// <summary>Readable by the owner only.</summary>
    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Folder);
        System.IO.File.Delete(File(name));
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(File(name), options);
        file.Write(Encoding.UTF8.GetBytes(text));
    }
}
