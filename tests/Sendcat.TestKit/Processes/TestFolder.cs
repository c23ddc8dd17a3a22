using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// A temporary folder that is deleted on disposal. Its name contains the id of its process, so that the next run deletes the folders of a killed run.
/// </summary>
public sealed class TestFolder : IDisposable
{
    private const string Prefix = "sendcat-test-";

    private static readonly Lazy<bool> OldFoldersDeleted = new(DeleteOldFolders);
    private static int _count;

    public TestFolder(string purpose)
    {
        _ = OldFoldersDeleted.Value;
        Path = System.IO.Path.Combine(
            System.IO.Path.GetTempPath(), $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _count)}-{purpose}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    /// <summary>The path of a file in the folder.</summary>
    public string this[string file] => System.IO.Path.Combine(Path, file);

    public void Dispose() => Delete(Path);

    private static bool DeleteOldFolders()
    {
        foreach (var folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
        {
            var owner = System.IO.Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(owner, CultureInfo.InvariantCulture, out var id) && Directory.Exists("/proc/self") && !Directory.Exists($"/proc/{id}"))
            {
                Delete(folder);
            }
        }

        return true;
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A server that is terminating may still write a file. The next run deletes the folder.
        }
    }
}
