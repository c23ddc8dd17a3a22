namespace Sendcat.Benchmarks.Load;

/// <summary>Runs streams in a closed loop and measures each from outside.</summary>
internal sealed class StreamLoad(LoadClient client, TimeProvider clock)
{
    /// <param name="turns">As many as the plan has streams; place <c>p</c> of <c>c</c> takes every <c>c</c>-th from <c>p</c> on.</param>
    public async Task<LoadFigures> RunAsync(LoadPlan plan, IReadOnlyList<Turn> turns, CancellationToken cancellationToken)
    {
        var figures = new LoadFigures();
        var began = clock.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, plan.Concurrency).Select(place => PlaceAsync(place)));
        figures.Duration = clock.GetElapsedTime(began);
        figures.Streams = plan.Streams - figures.Failures.Count;
        return figures;

        async Task PlaceAsync(int place)
        {
            await Task.Delay(plan.Spread * place / plan.Concurrency, clock, cancellationToken);
            for (var next = place; next < plan.Streams; next += plan.Concurrency)
            {
                if (await OneAsync(turns[next], plan.Pieces, figures, cancellationToken) is { } failure)
                {
                    figures.Failures.Enqueue(failure);
                }
            }
        }
    }

    /// <returns>Why the stream did not come whole, or null.</returns>
    private async Task<string?> OneAsync(Turn turn, int pieces, LoadFigures figures, CancellationToken cancellationToken)
    {
        long arrived = 0, lastSent = 0, lastArrived = 0;
        var listener = new StreamListener(turn.Dialect)
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
            using var request = turn.Request();
            var began = clock.GetTimestamp();
            using var response = await client.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}";
            }

            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var first = true;
            while (await body.ReadAsync(listener.Room, cancellationToken) is > 0 and var read)
            {
                arrived = Microseconds();
                if (first)
                {
                    first = false;
                    LoadFigures.Record(figures.FirstByte, clock.GetElapsedTime(began).TotalMicroseconds);
                }

                var before = listener.Pieces;
                listener.Advance(read);
                if (before == 0 && listener.Pieces > 0)
                {
                    LoadFigures.Record(figures.FirstToken, clock.GetElapsedTime(began).TotalMicroseconds);
                }
            }
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return failure.Message;
        }

        return listener switch
        {
            { Complaint: { } complaint } => complaint,
            { Done: false } => $"ended without saying so, after {listener.Pieces} pieces",
            _ when listener.Pieces != pieces => $"{listener.Pieces} of {pieces} pieces",
            _ => null,
        };
    }

    private long Microseconds() => (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
