namespace Sendcat.Integrations.Files;

/// <summary>
/// Stores files by key: a folder, or a bucket of an S3-compatible service. It knows no owners; who may read a file is decided by the row
/// that names it.
/// </summary>
/// <remarks>
/// A key is made by us and never from a client's text: lower-case letters, digits and <c>-</c>, with <c>/</c> between its parts. Every
/// method throws <see cref="FileStoreException"/> while the store is unavailable.
/// </remarks>
public interface IFileStore
{
    /// <summary>The name of the store for metrics: <c>folder</c> or <c>s3</c>.</summary>
    string Name { get; }

    /// <summary>Stores a file, or replaces it. When it returns, the file survives a crash of this process and of its host.</summary>
    /// <param name="content">Seekable; it stays open.</param>
    /// <param name="contentType">The media type; an S3 store sends it with a signed address.</param>
    Task PutAsync(string key, Stream content, string contentType, CancellationToken cancellationToken);

    /// <returns>The content, which the caller disposes of; null when there is no such file.</returns>
    Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken);

    /// <returns>Bytes; null when there is no such file.</returns>
    Task<long?> SizeAsync(string key, CancellationToken cancellationToken);

    /// <summary>Deletes a file. A file that does not exist counts as deleted.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// The address of a file for a third party, which needs no other credential and expires after <c>FILES_S3_LINK_SECONDS</c>. It does not
    /// check that the file exists.
    /// </summary>
    /// <returns>Null when the store gives no addresses: the content must be sent instead.</returns>
    Uri? Link(string key);
}

/// <summary>The file store is unavailable or refuses our request.</summary>
public sealed class FileStoreException(string message, Exception inner) : Exception(message, inner);
