using System.Net;
using System.Text.Json;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;

namespace Sendcat.Reliability.Outbound;

/// <summary>
/// Sends requests to an upstream through its guards, in this order: circuit breaker, bulkhead, then up to three attempts with a timeout
/// each. The circuit gets one result per request, that of the last attempt. A rejected request (4xx), a full bulkhead and a caller that
/// cancelled count as neutral.
/// </summary>
public sealed class Upstream(IHttpClientFactory clients, Circuits.Circuits circuits, Bulkheads.Bulkheads bulkheads, TimeProvider time)
{
    internal const string ClientName = "upstreams";

    /// <summary>Poll interval while the bulkhead is full, because no signal announces a free slot.</summary>
    private static readonly TimeSpan SlotPollInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Sends a request and reads the JSON of the response.</summary>
    /// <param name="policy">Provider, timeout and retries.</param>
    /// <param name="createRequest">Creates a new request message for each attempt.</param>
    /// <param name="read">
    /// Converts the JSON to a value; null: the JSON has an unexpected shape. A response 204 is read as an element of the kind Undefined.
    /// </param>
    /// <param name="cancellationToken">Cancels the request; the result is then neutral for the circuit.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<UpstreamResult<T>> RequestAsync<T>(
        UpstreamPolicy policy, Func<HttpRequestMessage> createRequest, Func<JsonElement, T?> read, CancellationToken cancellationToken)
        where T : class =>
        SendAsync(
            policy,
            createRequest,
            async (response, token) =>
            {
                if (response.StatusCode is HttpStatusCode.NoContent)
                {
                    return read(default);
                }

                await using var body = await response.Content.ReadAsStreamAsync(token);
                using var json = await JsonDocument.ParseAsync(body, cancellationToken: token);
                return read(json.RootElement);
            },
            cancellationToken);

    /// <summary>Sends a request and reads the bytes of the response, at most <see cref="UpstreamPolicy.MaxResponseBytes"/>.</summary>
    /// <inheritdoc cref="RequestAsync"/>
    public Task<UpstreamResult<byte[]>> DownloadAsync(
        UpstreamPolicy policy, Func<HttpRequestMessage> createRequest, CancellationToken cancellationToken) =>
        SendAsync<byte[]>(
            policy, createRequest, async (response, token) => await response.Content.ReadAsByteArrayAsync(token), cancellationToken);

    private async Task<UpstreamResult<T>> SendAsync<T>(
        UpstreamPolicy policy, Func<HttpRequestMessage> createRequest, Func<HttpResponseMessage, CancellationToken, Task<T?>> read,
        CancellationToken cancellationToken)
        where T : class
    {
        var entry = await circuits.EnterAsync(policy.Provider, cancellationToken);
        if (entry.Permit is not { } permit)
        {
            // Not retryable: while the circuit is open, another attempt of the job would be refused in the same way.
            return new UpstreamError($"{policy.Provider}: the circuit is open.", Retryable: false) { RetryAfter = entry.RetryAfter };
        }

        using (permit)
        {
            var slot = await AcquireSlotAsync(policy, cancellationToken);
            if (slot.Lease is not { } lease)
            {
                // Not retryable either: a full bulkhead is not the job's failure, and retries would use up its attempts until it becomes a
                // dead letter.
                return new UpstreamError($"{policy.Provider}: the bulkhead is saturated.", Retryable: false)
                {
                    RetryAfter = slot.RetryAfter, IsSaturated = true,
                };
            }

            await using (lease)
            {
                return await AttemptAsync(policy, createRequest, read, permit, cancellationToken);
            }
        }
    }

    private async Task<BulkheadEntry> AcquireSlotAsync(UpstreamPolicy policy, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); ;)
        {
            var slot = await bulkheads.AcquireAsync(policy.Provider, WorkLease.NewHolder(), cancellationToken);
            if (slot.Lease is not null || policy.TooLate.IsCancellationRequested || time.GetElapsedTime(began) >= policy.SlotTimeout)
            {
                return slot;
            }

            await Task.Delay(SlotPollInterval, time, cancellationToken);
        }
    }

    private async Task<UpstreamResult<T>> AttemptAsync<T>(
        UpstreamPolicy policy,
        Func<HttpRequestMessage> createRequest,
        Func<HttpResponseMessage, CancellationToken, Task<T?>> read,
        CircuitPermit permit,
        CancellationToken cancellationToken)
        where T : class
    {
        for (var attempt = 0; ; attempt++)
        {
            var outcome = await TryAsync(policy, createRequest, read, cancellationToken);
            var pause = attempt < policy.Retries && outcome.MayRetry
                ? UpstreamPolicy.Pause(attempt, outcome.RetryAfter, Random.Shared.NextDouble())
                : null;
            if (pause is not { } wait || !await PauseAsync(wait, policy.TooLate, cancellationToken))
            {
                outcome.ReportTo(permit);
                return outcome.Result;
            }
        }
    }

    /// <summary>Waits before the next attempt.</summary>
    /// <returns>False: <paramref name="tooLate"/> fired, and there is no time for another attempt.</returns>
    private async Task<bool> PauseAsync(TimeSpan pause, CancellationToken tooLate, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(tooLate, cancellationToken);
        await Task.Delay(pause, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return !tooLate.IsCancellationRequested;
    }

    private async Task<Attempt<T>> TryAsync<T>(
        UpstreamPolicy policy, Func<HttpRequestMessage> createRequest, Func<HttpResponseMessage, CancellationToken, Task<T?>> read,
        CancellationToken cancellationToken)
        where T : class
    {
        using var timeout = new CancellationTokenSource(policy.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, policy.TooLate, cancellationToken);
        try
        {
            using var request = createRequest();
            using var response = await clients.CreateClient(ClientName)
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)response.StatusCode;
            if (!response.IsSuccessStatusCode)
            {
                var retryAfter = RetryAfterHeader.Read(response.Headers, time.GetUtcNow());
                var retryable = StatusClass.Of(status) is CallVerdict.Failure && !UpstreamPolicy.ExceedsMaxPause(retryAfter);
                var code = await ReadErrorCodeAsync(policy, response, either.Token);
                var error = new UpstreamError($"{policy.Provider}: HTTP {status}{(code is null ? "" : $" {code}")}", retryable)
                {
                    Status = status,
                    RetryAfter = retryAfter,
                    Code = code,
                };
                return new(error, permit => permit.Responded(status), UpstreamPolicy.MayRetry(status), retryAfter);
            }

            // Limits the size of the body: JsonDocument itself has no limit.
            await response.Content.LoadIntoBufferAsync(policy.MaxResponseBytes, either.Token);
            return await read(response, either.Token) is { } value
                ? new(value, permit => permit.Succeeded())
                : new(
                    new UpstreamError($"{policy.Provider}: not what was asked for", Retryable: true),
                    permit => permit.Failed("unexpected answer"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var error = policy.TooLate.IsCancellationRequested
                ? UpstreamError.TooLate(policy)
                : new UpstreamError($"{policy.Provider}: timed out after {policy.Timeout.TotalSeconds} s", Retryable: true);
            return new(error, permit => permit.Failed("timeout"), MayRetry: true);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            var kind = exception is HttpRequestException http ? http.HttpRequestError.ToString() : "broken off";
            var isTooLong = kind is nameof(HttpRequestError.ConfigurationLimitExceeded);
            var error = new UpstreamError($"{policy.Provider}: network error ({kind})", Retryable: true) { IsTooLong = isTooLong };
            return isTooLong && policy.LongResponsesAreNeutral
                ? new(error with { Retryable = false }, permit => permit.Succeeded())
                : new(error, permit => permit.Failed(kind), MayRetry: !isTooLong);
        }
        catch (Exception exception) when (
            exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            var error = new UpstreamError($"{policy.Provider}: unreadable answer", Retryable: true);
            return new(error, permit => permit.Failed("unreadable answer"));
        }
    }

    private static async Task<string?> ReadErrorCodeAsync(
        UpstreamPolicy policy, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (policy.ReadErrorCode is not { } read)
        {
            return null;
        }

        try
        {
            await response.Content.LoadIntoBufferAsync(policy.MaxResponseBytes, cancellationToken);
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            using var json = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
            return read(json.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            // The status alone decides.
            return null;
        }
    }

    /// <param name="Result">The value or the error.</param>
    /// <param name="ReportTo">Reports the result to the circuit; called only for the last attempt.</param>
    /// <param name="MayRetry">Whether another attempt is allowed.</param>
    /// <param name="RetryAfter">The <c>Retry-After</c> of the response.</param>
    private sealed record Attempt<T>(
        UpstreamResult<T> Result, Action<CircuitPermit> ReportTo, bool MayRetry = false, TimeSpan? RetryAfter = null)
        where T : class;
}
