namespace Sendcat.Monitor.Chat;

internal sealed record ChatOptions(string Content, Uri Url, string? ModelId, bool WebSearch, string Dialect);

/// <summary>
/// One turn in a new thread: creates the anonymous session and the thread, starts the turn, and reads its stream to the last event.
/// </summary>
internal sealed class ChatSession(SendcatClient client, Transcript transcript, TimeProvider clock)
{
    private const int LongestTitle = 40;
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromMilliseconds(1500);

    /// <param name="options">The message and how to send it.</param>
    /// <param name="stop">Cancelled when the user stops the command. The turn is then aborted on the server too.</param>
    /// <returns>
    /// <see cref="ExitCode.Pass"/> when the answer is complete; <see cref="ExitCode.Fail"/> when the service refused the turn, the turn
    /// failed, or the user stopped it.
    /// </returns>
    /// <exception cref="HttpRequestException">The service does not respond.</exception>
    public async Task<int> RunAsync(ChatOptions options, CancellationToken stop)
    {
        string? threadId = null, sessionId = null, messageId = null, streamId = null;
        try
        {
            var dialect = TurnDialect.Named(options.Dialect);
            sessionId = await client.BeginSessionAsync(stop);
            threadId = await client.CreateThreadAsync(sessionId, Title(options.Content), stop);
            if (dialect.StoresMessageFirst)
            {
                await client.StoreMessageAsync(threadId, sessionId, options.Content, stop);
            }

            using var response = await client.StartTurnAsync(
                dialect.Request(new(threadId, sessionId, options.Content, options.ModelId, options.WebSearch)), stop);
            await using var stream = await response.Content.ReadAsStreamAsync(stop);
            TurnEvent? last = null;
            await foreach (var turnEvent in TurnReader.ReadAsync(stream, dialect, stop))
            {
                if (turnEvent is TurnEvent.Started started)
                {
                    (messageId, streamId) = (started.MessageId ?? messageId, started.StreamId ?? streamId);
                }

                transcript.Show(turnEvent);
                last = turnEvent;
            }

            return last is TurnEvent.Done ? ExitCode.Pass : ExitCode.Fail;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            transcript.Show(new TurnEvent.Stopped());
            if (threadId is not null && sessionId is not null && messageId is not null)
            {
                await AbortAsync(threadId, messageId, streamId, sessionId);
            }

            return ExitCode.Fail;
        }
        catch (RefusedException refused)
        {
            transcript.Show(new TurnEvent.Failed(refused.Code, refused.Message, (int?)refused.RetryAfter?.TotalMilliseconds));
            return ExitCode.Fail;
        }
    }

    private async Task AbortAsync(string threadId, string messageId, string? streamId, string sessionId)
    {
        using var timeout = new CancellationTokenSource(AbortTimeout, clock);
        try
        {
            await client.AbortAsync(threadId, messageId, streamId, sessionId, timeout.Token);
        }
        catch (Exception e) when (e is RefusedException or HttpRequestException or OperationCanceledException)
        {
            // The turn has ended meanwhile, or the service does not respond. The service also notices the closed connection.
        }
    }

    private static string Title(string content) =>
        content.Length <= LongestTitle ? content : string.Concat(content.EnumerateRunes().Take(LongestTitle));
}
