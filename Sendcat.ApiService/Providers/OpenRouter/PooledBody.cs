using System.Buffers;
using System.Net;
using System.Net.Http.Headers;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// A JSON request body of known length in pooled memory. Disposing returns the memory to the pool, unless the transport is still sending
/// from it.
/// </summary>
internal sealed class PooledBody : HttpContent, IBufferWriter<byte>
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(8192);
    private int _length;
    private int _sending;

    public PooledBody() => Headers.ContentType = Json;

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

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _sending);
        try
        {
            await stream.WriteAsync(_bytes.AsMemory(0, _length), cancellationToken);
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
}
