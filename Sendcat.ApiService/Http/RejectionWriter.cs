using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Sendcat.ApiService.Http;

/// <summary>
/// The output of a connection. It passes everything on unchanged, except the next response after <see cref="Amend"/>, which gets the code
/// header.
/// </summary>
internal sealed class RejectionWriter(PipeWriter output) : PipeWriter
{
    private ArrayBufferWriter<byte>? _held;
    private string _code = "";

    public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

    public override long UnflushedBytes => output.UnflushedBytes + (_held?.WrittenCount ?? 0);

    /// <summary>Adds the header to the response that is written next. Nothing of it may have been written.</summary>
    public void Amend(string code) => (_code, _held) = (code, new());

    public override Memory<byte> GetMemory(int sizeHint = 0) => _held is { } held ? held.GetMemory(sizeHint) : output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _held is { } held ? held.GetSpan(sizeHint) : output.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        if (_held is { } held)
        {
            held.Advance(bytes);
        }
        else
        {
            output.Advance(bytes);
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        PassOn();
        return output.FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => output.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        PassOn();
        output.Complete(exception);
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        PassOn();
        return output.CompleteAsync(exception);
    }

    /// <summary>Writes what is held, with the header behind its status line. Bytes that are no HTTP/1 response stay unchanged.</summary>
    private void PassOn()
    {
        if (_held is not { WrittenCount: > 0 } held)
        {
            return;
        }

        _held = null;
        var response = held.WrittenSpan;
        if (response.StartsWith("HTTP/1."u8) && response.IndexOf("\r\n"u8) is > 0 and var line)
        {
            output.Write(response[..(line + 2)]);
            output.Write(Encoding.ASCII.GetBytes($"{ApiError.CodeHeader}: {_code}\r\n"));
            response = response[(line + 2)..];
        }

        output.Write(response);
    }
}
