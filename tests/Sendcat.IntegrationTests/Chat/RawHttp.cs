using System.Net.Sockets;
using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Bytes on a connection, for requests that no HTTP library would send.</summary>
internal static class RawHttp
{
    /// <summary>Sends the lines, each ended by CRLF, and reads until the server closes.</summary>
    public static async Task<string> SendAsync(Uri address, params string[] lines)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, patience.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(string.Concat(lines.Select(line => line + "\r\n"))), patience.Token);
        var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer, patience.Token);
        }
        catch (IOException)
        {
            // A server may answer by cutting the connection.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
