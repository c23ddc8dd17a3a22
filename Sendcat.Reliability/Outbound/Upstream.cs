using System.Net.Http.Headers;
using System.Text.Json;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;

namespace Sendcat.Reliability.Outbound;

/// <summary>
/// Asks an upstream under its guards, in this order: circuit, bulkhead, then up to three attempts with a time-out each. The circuit learns of the question once, by how its
/// last attempt ended: a refusal of ours (4xx), a lane that is full, or a caller who left says nothing about the upstream.
/// </summary>
public sealed class Upstream(IHttpClientFactory clients, Circuits.Circuits circuits, Bulkheads.Bulkheads bulkheads, TimeProvider time)
{
    internal const string ClientName = "upstreams";

    /// <summary>A full lane tells nobody when a place is free.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    /// <summary>A wait so much longer than it was meant to be: this process stood still.</summary>
    private static readonly TimeSpan Standstill = TimeSpan.FromMilliseconds(100);

    /// <param name="question">Makes the request anew for each attempt.</param>
    /// <param name="read">Makes a value of the JSON; null: it is not what was asked for.</param>
    public async Task<UpstreamAnswer<T>> RequestAsync<T>(
        UpstreamPolicy policy, Func<HttpRequestMessage> question, Func<JsonElement, T?> read, CancellationToken cancellationToken)
        where T : class
    {
        var began = time.GetTimestamp();
        var entry = await circuits.EnterAsync(policy.Provider, cancellationToken);
        if (entry.Permit is not { } permit)
        {
            // Not asking is the point of an open circuit: a job that tried again would only wait at its door.
            return new UpstreamError($"{policy.Provider}: the circuit is open.", Retryable: false) { RetryAfter = entry.RetryAfter };
        }

        using (permit)
        {
            await AfterStandstillAsync(began, TimeSpan.Zero, cancellationToken);
            var (place, placed) = await PlaceAsync(policy, cancellationToken);
            if (place.Lease is not { } lease)
            {
                // That our own places are all taken is no failure of the job either: it would use up its attempts and become a dead letter.
                return new UpstreamError($"{policy.Provider}: the bulkhead is saturated.", Retryable: false) { RetryAfter = place.RetryAfter };
            }

            await using (lease)
            {
                await AfterStandstillAsync(placed, TimeSpan.Zero, cancellationToken);
                return await AttemptAsync(policy, question, read, permit, cancellationToken);
            }
        }
    }

    /// <returns>The place, and when it was asked for.</returns>
    private async Task<(BulkheadEntry Place, long Asked)> PlaceAsync(UpstreamPolicy policy, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); ;)
        {
            var asked = time.GetTimestamp();
            var place = await bulkheads.AcquireAsync(policy.Provider, Guid.NewGuid().ToString("N"), cancellationToken);
            if (place.Lease is not null || policy.TooLate.IsCancellationRequested || time.GetElapsedTime(began) >= policy.PlacePatience)
            {
                return (place, asked);
            }

            await Task.Delay(LookAgain, time, cancellationToken);
        }
    }

    /// <summary>
    /// When this process stood still, timers that came due meanwhile ring in no order with the work that goes on: a job whose lease is over would ask once more. So those that end the question
    /// are given time to ring.
    /// </summary>
    /// <param name="began">When the wait began that is over now.</param>
    /// <param name="meant">How long it was meant to take at most.</param>
    /// <exception cref="OperationCanceledException">The question has ended.</exception>
    private async Task AfterStandstillAsync(long began, TimeSpan meant, CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(began) > meant + Standstill)
        {
            await Task.Delay(Standstill, time, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task<UpstreamAnswer<T>> AttemptAsync<T>(
        UpstreamPolicy policy, Func<HttpRequestMessage> question, Func<JsonElement, T?> read, CircuitPermit permit, CancellationToken cancellationToken)
        where T : class
    {
        for (var attempt = 0; ; attempt++)
        {
            var tried = await TryAsync(policy, question, read, cancellationToken);
            var pause = attempt < policy.Retries && tried.MayRetry ? UpstreamPolicy.Pause(attempt, tried.RetryAfter, Random.Shared.NextDouble()) : null;
            if (pause is not { } wait || !await RestAsync(wait, policy.TooLate, cancellationToken))
            {
                tried.Tell(permit);
                return tried.Answer;
            }
        }
    }

    /// <returns>False: it is too late for another attempt.</returns>
    private async Task<bool> RestAsync(TimeSpan pause, CancellationToken tooLate, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(tooLate, cancellationToken);
        var began = time.GetTimestamp();
        await Task.Delay(pause, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await AfterStandstillAsync(began, pause, cancellationToken);
        return !tooLate.IsCancellationRequested;
    }

    private async Task<Tried<T>> TryAsync<T>(UpstreamPolicy policy, Func<HttpRequestMessage> question, Func<JsonElement, T?> read, CancellationToken cancellationToken)
        where T : class
    {
        using var patience = new CancellationTokenSource(policy.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, policy.TooLate, cancellationToken);
        try
        {
            using var request = question();
            using var response = await clients.CreateClient(ClientName).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)response.StatusCode;
            if (!response.IsSuccessStatusCode)
            {
                var later = RetryAfter(response.Headers);
                var error = new UpstreamError($"{policy.Provider}: HTTP {status}", StatusClass.Of(status) is CallVerdict.Failure && !UpstreamPolicy.IsTooLong(later)) { Status = status, RetryAfter = later };
                return new(error, permit => permit.Answered(status), UpstreamPolicy.MayRetry(status), later);
            }

            // JsonDocument would read whatever comes.
            await response.Content.LoadIntoBufferAsync(policy.LargestAnswer, either.Token);
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            using var json = await JsonDocument.ParseAsync(body, cancellationToken: either.Token);
            return read(json.RootElement) is { } value
                ? new(value, permit => permit.Succeeded())
                : new(new UpstreamError($"{policy.Provider}: not what was asked for", Retryable: true), permit => permit.Failed("unexpected answer"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var error = policy.TooLate.IsCancellationRequested ? UpstreamError.TooLate(policy) : new UpstreamError($"{policy.Provider}: timed out after {policy.Timeout.TotalSeconds} s", Retryable: true);
            return new(error, permit => permit.Failed("timeout"), MayRetry: true);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            var kind = exception is HttpRequestException http ? http.HttpRequestError.ToString() : "broken off";
            return new(new UpstreamError($"{policy.Provider}: network error ({kind})", Retryable: true), permit => permit.Failed(kind), MayRetry: kind is not nameof(HttpRequestError.ConfigurationLimitExceeded));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            return new(new UpstreamError($"{policy.Provider}: unreadable answer", Retryable: true), permit => permit.Failed("unreadable answer"));
        }
    }

    private TimeSpan? RetryAfter(HttpResponseHeaders headers) => headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };

    /// <param name="Tell">What the circuit learns if this was the last attempt.</param>
    private sealed record Tried<T>(UpstreamAnswer<T> Answer, Action<CircuitPermit> Tell, bool MayRetry = false, TimeSpan? RetryAfter = null)
        where T : class;
}
