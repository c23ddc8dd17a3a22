namespace Sendcat.LocalRunner.State;

/// <summary>At most one run per state folder. The lock is the kernel's, so that it ends with the process, however that ends.</summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <returns>Nothing when another process holds it.</returns>
    public static RunLock? TryTake(StateFolder folder)
    {
        try
        {
            return new(new FileStream(Path.Combine(folder.Run, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();
}
