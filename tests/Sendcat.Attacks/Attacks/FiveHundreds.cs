using System.Net.Sockets;
using System.Text;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>Sends what parsers of headers, tokens and bodies stumble over, many times at once.</summary>
internal sealed class FiveHundreds : Attack
{
    private const int Loops = 8;

    private const int Resets = 20;

    /// <summary>The API has read what there is and waits for more.</summary>
    private static readonly TimeSpan ReadingTakes = TimeSpan.FromMilliseconds(5);

    private static readonly string[] Chunks = ["80000000", "ffffffffffffffff", "-1", "zz", "fffffffffffffffffffffffff"];

    public override byte Number => 7;

    public override string Title => "a stranger makes 500s";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var strangers = Enumerable.Range(0, Loops).Select(n => run.From(Address(n))).ToArray();
        (string Name, string Value)[] headers =
        [
            ("Authorization", "Bearer a.b." + new string('*', 43)), ("Authorization", "Bearer e30.e30." + new string('+', 43)), ("Authorization", "Bearer " + new string('.', 2_000)),
            (Caller.SessionHeader, "anon_x." + new string('*', 22)), (Caller.SessionHeader, $"anon_{Guid.Empty}.{new string('=', 22)}"), (Caller.SessionHeader, new string('.', 120)),
        ];

        await run.FloodAsync(Loops, async loop =>
        {
            var stranger = strangers[loop];
            foreach (var header in headers)
            {
                await stranger.SendAsync(HttpMethod.Get, "/api/threads", null, cancellationToken, header);
                await stranger.SendAsync(HttpMethod.Get, $"/api/chat/{Guid.Empty}/stream", null, cancellationToken, header);
            }

            await stranger.PostAsync("/api/auth/reset-password", """{"token":"a\u0000b","newPassword":"a password 1"}""", cancellationToken);
            await stranger.PostAsync("/api/auth/confirm", """{"token":"\ud800"}""", cancellationToken);
            await stranger.PostAsync("/api/auth/refresh", """{"refreshToken":"\u0000.\u0000"}""", cancellationToken);
            await stranger.GetAsync("/api/threads?cursor=%00&limit=1e400", cancellationToken);
        }, cancellationToken);

        await run.Operator(Address(Loops)).SendAsync(HttpMethod.Put, "/api/ops/knobs/EMAIL_FROM", """{"value":"\ud800"}""", cancellationToken);
        foreach (var chunk in Chunks)
        {
            run.Answers.Add($"chunk {chunk}", await RawStatusAsync(run, chunk, cancellationToken), null, "");
        }

        foreach (var path in (string[])["/api/auth/login", "/api/chat"])
        {
            for (var n = 0; n < Resets; n++)
            {
                await ResetInBodyAsync(run, path, cancellationToken);
            }
        }

        run.Check(run.Answers.Statuses.Keys.All(status => status is 0 or (>= 200 and < 500) or 503), "what cannot be read is the caller's fault", run.Answers);
    }

    /// <summary>A connection that is reset in the middle of a body. The log must not call that an error of the API.</summary>
    private async Task ResetInBodyAsync(AttackRun run, string path, CancellationToken cancellationToken)
    {
        using var socket = await Source.ConnectAsync(Address(Loops + 1), run.System.Api.Address.EndPoint(), cancellationToken);
        var request = $"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"a\"";
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), cancellationToken);
        await Task.Delay(ReadingTakes, TimeProvider.System, cancellationToken);
        socket.LingerState = new(enable: true, seconds: 0);
    }

    /// <returns>The status; 0 for a connection that was cut.</returns>
    private async Task<int> RawStatusAsync(AttackRun run, string chunk, CancellationToken cancellationToken)
    {
        using var socket = await Source.ConnectAsync(Address(Loops + 1), run.System.Api.Address.EndPoint(), cancellationToken);
        var request = $"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}\r\n{{}}\r\n0\r\n\r\n";
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[1024];
        var read = await socket.ReceiveAsync(buffer, cancellationToken);
        return read < 12 ? 0 : int.Parse(Encoding.ASCII.GetString(buffer, 9, 3), System.Globalization.CultureInfo.InvariantCulture);
    }
}
