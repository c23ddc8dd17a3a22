namespace Sendcat.Benchmarks.Load;

/// <summary>Runs streams in a closed loop and measures each as its client.</summary>
internal sealed class StreamLoad(LoadClient client, TimeProvider clock)
{
    /// <param name="plan">The number and concurrency of the streams.</param>
    /// <param name="turns">
    /// One request per stream. Slot <c>s</c> of <c>c</c> sends the requests <c>s</c>, <c>s + c</c>, <c>s + 2c</c>, …
    /// </param>
    /// <param name="cancellationToken">Ends the run.</param>
    public async Task<LoadFigures> RunAsync(LoadPlan plan, IReadOnlyList<TurnRequest> turns, CancellationToken cancellationToken)
    {
        var figures = new LoadFigures();
        var began = clock.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, plan.Concurrency).Select(slot => RunSlotAsync(slot)));
        figures.Duration = clock.GetElapsedTime(began);
        figures.Streams = plan.Streams - figures.Failures.Count;
        return figures;

        async Task RunSlotAsync(int slot)
        {
            await Task.Delay(plan.Spread * slot / plan.Concurrency, clock, cancellationToken);
            for (var next = slot; next < plan.Streams; next += plan.Concurrency)
            {
                if (await RunStreamAsync(turns[next], plan.Pieces, figures, cancellationToken) is { } failure)
                {
                    figures.Failures.Enqueue(failure);
                }
            }
        }
    }

    /// <returns>Why the stream is not complete; null when it is complete.</returns>
    private async Task<string?> RunStreamAsync(TurnRequest turn, int pieces, LoadFigures figures, CancellationToken cancellationToken)
    {
        long arrived = 0, lastSent = 0, lastArrived = 0;
        var parser = new StreamParser(turn.Dialect)
        {
            OnPiece = sent =>
            {
                LoadFigures.Record(figures.Relay, arrived - sent);
                if (lastSent != 0)
                {
                    LoadFigures.Record(figures.AddedGap, arrived - lastArrived - (sent - lastSent));
                }

                (lastSent, lastArrived) = (sent, arrived);
            },
        };

        try
        {
            using var request = turn.ToHttpRequest();
            var began = clock.GetTimestamp();
            using var response = await client.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}";
            }

            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var first = true;
            while (await body.ReadAsync(parser.FreeBuffer, cancellationToken) is > 0 and var read)
            {
                arrived = Microseconds();
                if (first)
                {
                    first = false;
                    LoadFigures.Record(figures.FirstByte, clock.GetElapsedTime(began).TotalMicroseconds);
                }

                var before = parser.Pieces;
                parser.Advance(read);
                if (before == 0 && parser.Pieces > 0)
                {
                    LoadFigures.Record(figures.FirstToken, clock.GetElapsedTime(began).TotalMicroseconds);
                }
            }
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return failure.Message;
        }

        return parser switch
        {
            { Problem: { } problem } => problem,
            { Done: false } => $"ended without an end event after {parser.Pieces} pieces",
            _ when parser.Pieces != pieces => $"{parser.Pieces} of {pieces} pieces",
            _ => null,
        };
    }

    private long Microseconds() => (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
