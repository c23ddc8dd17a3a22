using System.Net;
using System.Text.Json;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Targets;

namespace Sendcat.Benchmarks.Mixture;

/// <summary>Runs one turn and causes its intended end.</summary>
internal sealed class MixedTurnRunner(LoadClient client, SendcatRest rest, Uri api)
{
    /// <summary>The time after which a client closes the connection that does not wait for the headers.</summary>
    private static readonly TimeSpan BeforeHeaders = TimeSpan.FromMilliseconds(20);

    /// <returns>The actual end: the name of an <see cref="Ending"/>, <c>refused …</c>, or the description of a problem.</returns>
    public async Task<string> RunAsync(MixedTurn turn, string session, CancellationToken cancellationToken)
    {
        string thread;
        try
        {
            thread = await rest.CreateThreadAsync(session, cancellationToken);
            await rest.AddMessageAsync(session, thread, turn.Prompt, cancellationToken);
        }
        catch (HttpRequestException refusal) when (
            refusal.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests)
        {
            return $"refused {(int)refusal.StatusCode} before the turn";
        }

        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (turn is { Ending: Ending.ClientAbort, After: < 0 })
        {
            leaving.CancelAfter(BeforeHeaders);
        }

        try
        {
            using var request = SendcatTarget.CreateTurn(api, session, thread).ToHttpRequest();
            using var response = await client.SendAsync(request, leaving.Token);
            if (!response.IsSuccessStatusCode)
            {
                var code = response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? string.Join(' ', codes) : "";
                return $"refused {(int)response.StatusCode} {code}";
            }

            await using var body = await response.Content.ReadAsStreamAsync(leaving.Token);
            return await ReadAsync(turn, session, thread, body, leaving);
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return nameof(Ending.ClientAbort);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return $"connection lost: {failure.Message}";
        }
    }

    private async Task<string> ReadAsync(MixedTurn turn, string session, string thread, Stream body, CancellationTokenSource leaving)
    {
        Start? start = null;
        var parser = new StreamParser(Dialect.Sendcat)
        {
            OnEvent = json => start = json.Contains("\"type\":\"start\"", StringComparison.Ordinal)
                ? JsonSerializer.Deserialize<Start>(json, JsonSerializerOptions.Web)
                : start,
        };
        var aborted = false;
        while (await body.ReadAsync(parser.FreeBuffer, leaving.Token) is > 0 and var read)
        {
            parser.Advance(read);
            if (turn.Ending is Ending.ClientAbort && parser.Pieces >= turn.After && start is not null)
            {
                return nameof(Ending.ClientAbort);
            }

            if (turn.Ending is Ending.ServerAbort && !aborted && parser.Pieces >= turn.After && start is not null)
            {
                aborted = true;
                var status = await rest.AbortAsync(
                    new { threadId = thread, messageId = start.MessageId, streamId = start.StreamId, sessionId = session }, leaving.Token);
                if (status != 204)
                {
                    return $"abort returned {status}";
                }
            }
        }

        return parser switch
        {
            { Problem: { } problem } when problem.StartsWith("an error event", StringComparison.Ordinal) => nameof(Ending.ProviderError),
            { Problem: { } problem } => problem,
            { Done: true, Pieces: MixedTurn.Pieces } => nameof(Ending.Completion),
            _ when aborted => nameof(Ending.ServerAbort),
            { Done: true } => $"done after {parser.Pieces} pieces",
            _ => "ended without an end event",
        };
    }

    private sealed record Start(string MessageId, string StreamId);
}
