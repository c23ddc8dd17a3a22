using System.Net.Sockets;
using System.Text;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>Sends headers, tokens and bodies that parsers often fail on, in several loops at the same time.</summary>
internal sealed class MalformedRequests : Attack
{
    private const int Loops = 8;

    private const int Resets = 20;

    /// <summary>After this time the API has read the sent bytes and waits for more.</summary>
    private static readonly TimeSpan ReadTime = TimeSpan.FromMilliseconds(5);

    private static readonly string[] Chunks = ["80000000", "ffffffffffffffff", "-1", "zz", "fffffffffffffffffffffffff"];

    public override byte Number => 7;

    public override string Title => "an anonymous caller causes responses with status 500";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var callers = Enumerable.Range(0, Loops).Select(n => run.From(Address(n))).ToArray();
        (string Name, string Value)[] headers =
        [
            ("Authorization", "Bearer a.b." + new string('*', 43)), ("Authorization", "Bearer e30.e30." + new string('+', 43)),
            ("Authorization", "Bearer " + new string('.', 2_000)),
            (Caller.SessionHeader, "anon_x." + new string('*', 22)), (Caller.SessionHeader, $"anon_{Guid.Empty}.{new string('=', 22)}"),
            (Caller.SessionHeader, new string('.', 120)),
        ];

        await run.FloodAsync(Loops, async loop =>
        {
            var caller = callers[loop];
            foreach (var header in headers)
            {
                await caller.SendAsync(HttpMethod.Get, "/api/threads", null, cancellationToken, header);
                await caller.SendAsync(HttpMethod.Get, $"/api/chat/{Guid.Empty}/stream", null, cancellationToken, header);
            }

            await caller.PostAsync("/api/auth/reset-password", """{"token":"a\u0000b","newPassword":"a password 1"}""", cancellationToken);
            await caller.PostAsync("/api/auth/confirm", """{"token":"\ud800"}""", cancellationToken);
            await caller.PostAsync("/api/auth/refresh", """{"refreshToken":"\u0000.\u0000"}""", cancellationToken);
            await caller.GetAsync("/api/threads?cursor=%00&limit=1e400", cancellationToken);
        }, cancellationToken);

        await run.Operator(Address(Loops)).SendAsync(
            HttpMethod.Put, "/api/ops/knobs/EMAIL_FROM", """{"value":"\ud800"}""", cancellationToken);
        foreach (var chunk in Chunks)
        {
            run.Responses.Add($"chunk {chunk}", await RawStatusAsync(run, chunk, cancellationToken), null, "");
        }

        foreach (var path in (string[])["/api/auth/login", "/api/chat"])
        {
            for (var n = 0; n < Resets; n++)
            {
                await ResetInBodyAsync(run, path, cancellationToken);
            }
        }

        run.Check(
            run.Responses.Statuses.Keys.All(status => status is 0 or (>= 200 and < 500) or 503),
            "a request that cannot be parsed is not a server error", run.Responses);
    }

    /// <summary>Resets a connection in the middle of a body. The log must not report this as an error of the API.</summary>
    private async Task ResetInBodyAsync(AttackRun run, string path, CancellationToken cancellationToken)
    {
        using var socket = await SourceAddress.ConnectAsync(Address(Loops + 1), run.System.Api.Address.EndPoint(), cancellationToken);
        var request = $"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"a\"";
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), cancellationToken);
        await Task.Delay(ReadTime, TimeProvider.System, cancellationToken);
        socket.LingerState = new(enable: true, seconds: 0);
    }

    /// <returns>The status; 0 for a connection that was closed without a response.</returns>
    private async Task<int> RawStatusAsync(AttackRun run, string chunk, CancellationToken cancellationToken)
    {
        using var socket = await SourceAddress.ConnectAsync(Address(Loops + 1), run.System.Api.Address.EndPoint(), cancellationToken);
        var request =
            $"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + $"Transfer-Encoding: chunked\r\n\r\n{chunk}\r\n{{}}\r\n0\r\n\r\n";
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[1024];
        var read = await socket.ReceiveAsync(buffer, cancellationToken);
        return read < 12 ? 0 : int.Parse(Encoding.ASCII.GetString(buffer, 9, 3), System.Globalization.CultureInfo.InvariantCulture);
    }
}
