using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Files;

/// <summary>Stores files in a folder of the host. A file is readable by its owner only (mode 0600; not on Windows).</summary>
/// <param name="folder">Full path; created when the first file is stored.</param>
internal sealed partial class FolderStore(string folder) : IFileStore
{
    public string Name => FilesOptions.Folder;

    public Task PutAsync(string key, Stream content, string contentType, CancellationToken cancellationToken) =>
        GuardAsync<object?>(async () =>
        {
            var path = PathOf(key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            await using var file = new FileStream(path, options);
            await content.CopyToAsync(file, cancellationToken);
            file.Flush(flushToDisk: true);
            return null;
        });

    public Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken) => FindAsync<Stream?>(() => Task.FromResult<Stream?>(
        new FileStream(PathOf(key), new FileStreamOptions { Options = FileOptions.Asynchronous | FileOptions.SequentialScan })));

    public Task<long?> SizeAsync(string key, CancellationToken cancellationToken) =>
        FindAsync(() => Task.FromResult(new FileInfo(PathOf(key)) is { Exists: true } file ? file.Length : (long?)null));

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => FindAsync<object?>(() =>
    {
        File.Delete(PathOf(key));
        return Task.FromResult<object?>(null);
    });

    public Uri? Link(string key) => null;

    /// <returns>The default value when the file or its folder does not exist.</returns>
    private static Task<T?> FindAsync<T>(Func<Task<T>> work) => GuardAsync<T?>(async () =>
    {
        try
        {
            return await work();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return default;
        }
    });

    private static async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FileStoreException("The folder of the files cannot be used.", failure);
        }
    }

    private string PathOf(string key) =>
        Key().IsMatch(key) ? Path.Combine(folder, key) : throw new ArgumentException("Not a key of a file.", nameof(key));

    [GeneratedRegex("^[a-z0-9-]+(/[a-z0-9-]+)*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Key();
}
