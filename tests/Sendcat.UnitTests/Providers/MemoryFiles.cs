using Sendcat.Integrations.Files;

namespace Sendcat.UnitTests.Providers;

/// <summary>A file store whose files a test can delete or make unavailable at any time.</summary>
internal sealed class MemoryFiles : IFileStore
{
    public Dictionary<string, byte[]> Files { get; } = [];

    public bool IsUnavailable { get; set; }

    /// <summary>Content is unavailable although the size of a file is still known.</summary>
    public bool ContentIsUnavailable { get; set; }

    public string Name => "memory";

    public Uri? Link(string key) => null;

    public Task PutAsync(string key, Stream content, string contentType, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken) =>
        IsUnavailable || ContentIsUnavailable
            ? Task.FromException<Stream?>(new FileStoreException("away", new IOException()))
            : Task.FromResult<Stream?>(Files.TryGetValue(key, out var content) ? new MemoryStream(content) : null);

    public Task<long?> SizeAsync(string key, CancellationToken cancellationToken) =>
        IsUnavailable
            ? Task.FromException<long?>(new FileStoreException("away", new IOException()))
            : Task.FromResult(Files.TryGetValue(key, out var content) ? content.Length : (long?)null);
}
