using System.Net.Sockets;
using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Sends requests over a TCP connection as they are written, valid HTTP or not.</summary>
internal static class RawHttp
{
    /// <summary>Sends the lines, each followed by CRLF, in Latin-1, and reads until the server closes the connection.</summary>
    /// <exception cref="OperationCanceledException">The server did not close the connection within 30 s.</exception>
    public static async Task<string> SendAsync(Uri address, params string[] lines)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, timeout.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(string.Concat(lines.Select(line => line + "\r\n"))), timeout.Token);
        var response = new MemoryStream();
        try
        {
            await stream.CopyToAsync(response, timeout.Token);
        }
        catch (IOException)
        {
            // The server may reset the connection after, or instead of, its response.
        }

        return Encoding.UTF8.GetString(response.ToArray());
    }
}
