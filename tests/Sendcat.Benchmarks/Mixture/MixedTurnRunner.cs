using System.Text.Json;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Stage;

namespace Sendcat.Benchmarks.Mixture;

/// <summary>Runs one turn to the ending that it is meant to have.</summary>
internal sealed class MixedTurnRunner(LoadClient client, SendcatRest rest, Uri api)
{
    /// <summary>How long the client that leaves without an answer waits before it does.</summary>
    private static readonly TimeSpan BeforeHeaders = TimeSpan.FromMilliseconds(20);

    /// <returns>How it ended: as meant, <c>refused …</c>, or otherwise.</returns>
    public async Task<string> RunAsync(MixedTurn turn, string session, CancellationToken cancellationToken)
    {
        var thread = await rest.ThreadAsync(session, cancellationToken);
        await rest.MessageAsync(session, thread, turn.Prompt, cancellationToken);

        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (turn is { Ending: Ending.ClientAbort, After: < 0 })
        {
            leaving.CancelAfter(BeforeHeaders);
        }

        try
        {
            using var request = SendcatTarget.TurnOf(api, session, thread).Request();
            using var response = await client.SendAsync(request, leaving.Token);
            if (!response.IsSuccessStatusCode)
            {
                return $"refused {(int)response.StatusCode} {string.Join(' ', response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? codes : [])}";
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
        var listener = new StreamListener(Dialect.Sendcat)
        {
            OnEvent = json => start = json.Contains("\"type\":\"start\"", StringComparison.Ordinal) ? JsonSerializer.Deserialize<Start>(json, JsonSerializerOptions.Web) : start,
        };
        var aborted = false;
        while (await body.ReadAsync(listener.Room, leaving.Token) is > 0 and var read)
        {
            listener.Advance(read);
            if (turn.Ending is Ending.ClientAbort && listener.Pieces >= turn.After && start is not null)
            {
                return nameof(Ending.ClientAbort);
            }

            if (turn.Ending is Ending.ServerAbort && !aborted && listener.Pieces >= turn.After && start is not null)
            {
                aborted = true;
                var status = await rest.AbortAsync(new { threadId = thread, messageId = start.MessageId, streamId = start.StreamId, sessionId = session }, leaving.Token);
                if (status != 204)
                {
                    return $"abort answered {status}";
                }
            }
        }

        return listener switch
        {
            { Complaint: { } complaint } when complaint.StartsWith("an error inside", StringComparison.Ordinal) => nameof(Ending.ProviderError),
            { Complaint: { } complaint } => complaint,
            { Done: true, Pieces: MixedTurn.Pieces } => nameof(Ending.Completion),
            _ when aborted => nameof(Ending.ServerAbort),
            { Done: true } => $"done after {listener.Pieces} pieces",
            _ => "ended without saying so",
        };
    }

    private sealed record Start(string MessageId, string StreamId);
}
