using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>A folder under the system's temporary one, deleted when disposed. Its name holds the id of its owner, so that the next run sweeps what a killed run left.</summary>
public sealed class TestFolder : IDisposable
{
    private const string Prefix = "sendcat-test-";

    private static readonly Lazy<bool> Swept = new(Sweep);
    private static int count;

    public TestFolder(string purpose)
    {
        _ = Swept.Value;
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref count)}-{purpose}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string this[string file] => System.IO.Path.Combine(Path, file);

    public void Dispose() => Delete(Path);

    private static bool Sweep()
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
            // A server that is just dying may still write; the next run sweeps.
        }
    }
}
