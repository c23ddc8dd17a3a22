using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>The programs of the newest installed PostgreSQL. On Debian they are not in PATH.</summary>
internal sealed record PostgresBinaries(string Initdb, string Postgres)
{
    /// <summary>The account of the server when the test host is root. PostgreSQL refuses to run as root.</summary>
    public const string Account = "postgres";

    public static PostgresBinaries Find()
    {
        const string versions = "/usr/lib/postgresql";
        var newestFirst = Directory.Exists(versions)
            ? Directory.EnumerateDirectories(versions)
                .OrderByDescending(
                    folder => double.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0)
                .Select(folder => Path.Combine(folder, "bin"))
                .ToArray()
            : [];
        return new(Executable.Require("initdb", "postgresql", newestFirst), Executable.Require("postgres", "postgresql", newestFirst));
    }

    /// <summary>
    /// Copies a new data folder. initdb takes seconds, so it runs once per machine and account, and every server starts from a copy.
    /// </summary>
    public async Task CopyFreshDataAsync(string folder, string data)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await TestProcess.RunAsync(new ProcessSpec("chown", $"{Account}:", folder));
        }

        string[] copy = OperatingSystem.IsLinux() ? ["-a", "--reflink=auto"] : ["-a"];
        await RunAsync("cp", [.. copy, await TemplateAsync(), data]);
    }

    /// <summary>
    /// The folder that is copied. It is created under a temporary name and then moved, so that concurrent runs never see an incomplete
    /// folder.
    /// </summary>
    private async Task<string> TemplateAsync()
    {
        var version = (await TestProcess.RunAsync(new ProcessSpec(Postgres, "--version"))).Split(' ')[2].Trim();
        var template = Path.Combine(Path.GetTempPath(), $"sendcat-testkit-{Environment.UserName}-postgres-{version}");
        if (!Directory.Exists(template))
        {
            var unfinished = $"{template}.{Environment.ProcessId}-{Guid.NewGuid():N}";
            await RunAsync(Initdb, "-D", unfinished, "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync");
            try
            {
                Directory.Move(unfinished, template);
            }
            catch (IOException) when (Directory.Exists(template))
            {
                Directory.Delete(unfinished, recursive: true);
            }
        }

        return template;
    }

    private static Task<string> RunAsync(string program, params string[] arguments) =>
        TestProcess.RunAsync(new ProcessSpec(program, arguments)
        {
            UserWhenRoot = Account,
            Environment = new Dictionary<string, string?> { ["LC_ALL"] = "C" },
        });
}
