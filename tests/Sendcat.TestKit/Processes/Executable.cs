namespace Sendcat.TestKit.Processes;

/// <summary>Finds installed programs of the operating system.</summary>
public static class Executable
{
    public static string? Find(string name, params IEnumerable<string> preferredFolders) =>
        preferredFolders
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            .Concat(["/usr/local/bin", "/usr/bin", "/usr/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin"])
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    /// <exception cref="MissingServerException">The program is not installed.</exception>
    public static string Require(string name, string debianPackage, params IEnumerable<string> preferredFolders) =>
        Find(name, preferredFolders) ?? throw new MissingServerException(name, debianPackage);
}
