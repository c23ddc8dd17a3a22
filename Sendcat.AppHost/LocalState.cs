using System.Text;

namespace Sendcat.AppHost;

/// <summary>The folder with the data of a local run: <c>.sendcat/</c> of the checkout, or the folder in <c>SENDCAT_STATE</c>.</summary>
internal sealed record LocalState(string Folder)
{
    public static LocalState Of(IDistributedApplicationBuilder builder) =>
        new(Path.GetFullPath(builder.Configuration["SENDCAT_STATE"] ?? "../.sendcat", builder.AppHostDirectory));

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>The trimmed text of a file; null when the file does not exist.</summary>
    public string? Read(string name) => System.IO.File.Exists(File(name)) ? System.IO.File.ReadAllText(File(name)).Trim() : null;

    /// <summary>Replaces a file. Only its owner can read the new one (mode 0600; not on Windows).</summary>
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
