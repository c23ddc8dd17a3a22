using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// A temporary folder that is deleted on disposal. Its name contains the id of its process, so that the next run deletes the folders of a
/// killed run.
/// </summary>
public sealed class TestFolder : IDisposable
{
    private const string Prefix = "sendcat-test-";

    private const string MemoryFileSystem = "/dev/shm";
    private const long Gigabyte = 1L << 30;

    /// <summary>Space in the memory file system that all test programs together must leave to the machine.</summary>
    private const long MinimumFree = 8 * Gigabyte;

    private const long MinimumMemory = 15 * Gigabyte;

    private static readonly Lazy<bool> OldFoldersDeleted = new(DeleteOldFolders);
    private static int _count;

    /// <param name="purpose">Part of the name of the folder.</param>
    /// <param name="inMemory">
    /// The folder is in the memory file system when the machine has one and enough memory; otherwise on the disk.
    /// </param>
    public TestFolder(string purpose, bool inMemory = false)
    {
        _ = OldFoldersDeleted.Value;
        Path = System.IO.Path.Combine(
            inMemory && HasMemory() ? MemoryFileSystem : System.IO.Path.GetTempPath(),
            $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _count)}-{purpose}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    /// <summary>The path of a file in the folder.</summary>
    public string this[string file] => System.IO.Path.Combine(Path, file);

    public void Dispose() => Delete(Path);

    private static bool HasMemory() =>
        Directory.Exists(MemoryFileSystem)
        && new DriveInfo(MemoryFileSystem).AvailableFreeSpace >= MinimumFree
        && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >= MinimumMemory;

    private static bool DeleteOldFolders()
    {
        string[] parents = Directory.Exists(MemoryFileSystem)
            ? [System.IO.Path.GetTempPath(), MemoryFileSystem]
            : [System.IO.Path.GetTempPath()];
        foreach (var folder in parents.SelectMany(parent => Directory.EnumerateDirectories(parent, Prefix + "*")))
        {
            var owner = System.IO.Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(owner, CultureInfo.InvariantCulture, out var id)
                && Directory.Exists("/proc/self")
                && !Directory.Exists($"/proc/{id}"))
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
