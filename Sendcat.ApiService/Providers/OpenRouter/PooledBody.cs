using System.Buffers;
using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// A JSON request body of known length in pooled memory. Files are inserted in base64 while the body is sent, piece by piece, so that they
/// are never in memory as a whole. Disposing returns the memory to the pool, unless the transport is still sending from it.
/// </summary>
internal sealed class PooledBody : HttpContent, IBufferWriter<byte>
{
    /// <summary>Bytes of a file that are encoded at once; a multiple of 3, so that only the last piece is padded.</summary>
    private const int PieceBytes = 3 * 8 * 1024;

    /// <summary>The most time without a byte of a file. The provider waits meanwhile, and must not be blamed for it.</summary>
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly Func<string, CancellationToken, Task<Stream>>? _openFile;
    private readonly List<InsertedFile> _files = [];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(8192);
    private int _length;
    private int _sending;

    /// <param name="openFile">Opens a file by its key; null for a body without files.</param>
    public PooledBody(Func<string, CancellationToken, Task<Stream>>? openFile = null)
    {
        _openFile = openFile;
        Headers.ContentType = Json;
    }

    /// <summary>Why a file could not be read while the body was sent; null: no file failed.</summary>
    public Exception? FileFailure { get; private set; }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_bytes.Length - _length < Math.Max(sizeHint, 1))
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + sizeHint));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Inserts the content of a file in base64.</summary>
    /// <param name="beforeEnd">Bytes between the place of the file and the present end of the body.</param>
    /// <param name="size">Bytes of the file. Sending fails if it has another size.</param>
    public void InsertFile(int beforeEnd, string key, long size) => _files.Add(new(_length - beforeEnd, key, size));

    protected override bool TryComputeLength(out long length)
    {
        length = _length + _files.Sum(file => (file.Size + 2) / 3 * 4);
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _sending);
        try
        {
            var sent = 0;
            foreach (var file in _files)
            {
                await stream.WriteAsync(_bytes.AsMemory(sent..file.At), cancellationToken);
                await SendAsync(file, stream, cancellationToken);
                sent = file.At;
            }

            await stream.WriteAsync(_bytes.AsMemory(sent.._length), cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _sending);
        }
    }

    protected override void Dispose(bool disposing)
    {
        // With HTTP/2 the response may arrive while the request is still being sent. Then the buffer is left to the garbage collector.
        if (disposing && Volatile.Read(ref _sending) == 0 && Interlocked.Exchange(ref _bytes, []) is { Length: > 0 } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        base.Dispose(disposing);
    }

    private async Task SendAsync(InsertedFile file, Stream stream, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes / 3 * 4);
        try
        {
            timeout.CancelAfter(ReadTimeout);
            await using var content = await ReadAsync(() => _openFile!(file.Key, timeout.Token), cancellationToken);
            for (var remaining = file.Size; remaining > 0;)
            {
                var count = (int)Math.Min(remaining, PieceBytes);
                timeout.CancelAfter(ReadTimeout);
                await ReadAsync(
                    async () =>
                    {
                        await content.ReadExactlyAsync(piece.AsMemory(0, count), timeout.Token);
                        return true;
                    },
                    cancellationToken);
                timeout.CancelAfter(Timeout.InfiniteTimeSpan);
                Base64.EncodeToUtf8InPlace(piece, count, out var encoded);
                await stream.WriteAsync(piece.AsMemory(0, encoded), cancellationToken);
                remaining -= count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Keeps failures of the file apart from those of the connection to the provider.</summary>
    private async Task<T> ReadAsync<T>(Func<Task<T>> read, CancellationToken sending)
    {
        try
        {
            return await read();
        }
        catch (Exception failure) when (!sending.IsCancellationRequested)
        {
            FileFailure = failure;
            throw;
        }
    }

    /// <param name="At">The place of the file in the bytes of the body.</param>
    /// <param name="Size">Bytes.</param>
    private readonly record struct InsertedFile(int At, string Key, long Size);
}
