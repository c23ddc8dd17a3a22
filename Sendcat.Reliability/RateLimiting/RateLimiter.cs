using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.RateLimiting;

/// <summary>
/// Counts calls against sliding windows that all replicas share. Without Redis each replica counts on its own: calls stay bounded, and are
/// neither all admitted nor all refused.
/// </summary>
public sealed class RateLimiter
{
    private const string Chat = "/api/chat";

    private readonly ClaimStore _claims;
    private readonly RateLimitEvents _events;
    private readonly IOptionsMonitor<RateLimitOptions> _options;
    private readonly ReliabilityMetrics _metrics;

    internal RateLimiter(ClaimStore claims, RateLimitEvents events, IOptionsMonitor<RateLimitOptions> options, ReliabilityMetrics metrics)
    {
        (_claims, _events, _options, _metrics) = (claims, events, options, metrics);
    }

    /// <summary>A claim for one call in the bucket, to be decided together with other claims.</summary>
    public WindowClaim Claim(RateLimitBucket bucket, LimitKey key) => Window(bucket, key) with
    {
        OnRefused = outcome =>
            Report(bucket, key.Name, new(false, 0, outcome.RetryAfter ?? LocalClaims.RetryAfter, outcome.Local), null, null),
    };

    /// <inheritdoc cref="Claim(RateLimitBucket, LimitKey)"/>
    public WindowClaim Claim(RateLimitBucket bucket, string key) => Claim(bucket, new LimitKey(key));

    /// <summary>
    /// Reserves the estimated cost of a turn, to be decided together with other claims. <see cref="Admission.AdmissionTicket.SpentAsync"/>
    /// corrects it to the actual cost. At most a tenth of the budget is reserved for one turn, or <paramref name="least"/> if that is more:
    /// otherwise a budget that is small compared with the estimate would never admit a turn.
    /// </summary>
    /// <param name="bucket">A budget of tokens, or <see cref="RateLimitBucket.ChatMoney"/>.</param>
    /// <param name="key">The name that the budget counts under.</param>
    /// <param name="estimate">Tokens, or millionths of a US dollar for <see cref="RateLimitBucket.ChatMoney"/>.</param>
    /// <param name="least">What the turn costs at least if it makes its first model call at its highest cost; in the same unit.</param>
    /// <returns>Null: the budget is off.</returns>
    public WindowClaim? Reserve(RateLimitBucket bucket, LimitKey key, long estimate, long least = 1)
    {
        if (IsOff(bucket))
        {
            return null;
        }

        var claim = Claim(bucket, key);
        return claim with
        {
            Cost = (int)Math.Min(Math.Max(1, Math.Max(least, Math.Min(estimate, claim.Max / 10))), int.MaxValue),
            Reserves = bucket is RateLimitBucket.ChatMoney ? SpendUnit.MicroUsd : SpendUnit.Tokens,
        };
    }

    /// <summary>Whether the limit of the bucket is 0, which means that it is not counted.</summary>
    public bool IsOff(RateLimitBucket bucket) => _options.CurrentValue.Of(bucket).Max == 0;

    /// <summary>Counts one call if it fits the window. A refused call is not counted.</summary>
    /// <param name="bucket">The limit.</param>
    /// <param name="key">The name that the limit counts under.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <param name="path">Path of the request, for the event of a refusal.</param>
    /// <param name="method">HTTP method of the request, for the event of a refusal.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public ValueTask<RateLimitDecision> CheckAsync(
        RateLimitBucket bucket, string key, CancellationToken cancellationToken, string? path = null, string? method = null) =>
        CheckAsync(bucket, [new LimitKey(key)], cancellationToken, path, method);

    /// <summary>Counts a call under several names in one round trip: it fits all windows, or it is not counted in any.</summary>
    /// <param name="bucket">The limit.</param>
    /// <param name="keys">The names that the limit counts under; at least one.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <param name="path">Path of the request, for the event of a refusal.</param>
    /// <param name="method">HTTP method of the request, for the event of a refusal.</param>
    /// <param name="cost">Units that the call counts as. A cost above the limit of the window counts as the whole window.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public async ValueTask<RateLimitDecision> CheckAsync(
        RateLimitBucket bucket, IReadOnlyList<LimitKey> keys, CancellationToken cancellationToken, string? path = null,
        string? method = null, int cost = 1)
    {
        var windows = new WindowClaim[keys.Count];
        for (var n = 0; n < windows.Length; n++)
        {
            var window = Window(bucket, keys[n]);
            windows[n] = window with { Cost = Math.Min(cost, window.Max) };
        }

        var countedAt = _claims.Timestamp();
        var outcome = await _claims.TakeAsync(keys[0].Name, windows, [], cancellationToken, RedisFallback.DecideLocally);
        var key = keys[outcome.RefusedBy is WindowClaim refusing ? Array.IndexOf(windows, refusing) : 0].Name;
        var allowed = outcome.Status is ClaimStatus.Taken;
        var decision = new RateLimitDecision(
            allowed,
            allowed ? outcome.Remaining ?? 0 : 0,
            allowed ? TimeSpan.Zero : outcome.RetryAfter ?? LocalClaims.RetryAfter,
            outcome.Local)
        {
            CountedAt = countedAt,
        };
        Report(bucket, key, decision, path, method);
        return decision;
    }

    /// <summary>Removes a call that was counted from the window. Best effort, like <see cref="SettleAsync"/>.</summary>
    /// <param name="bucket">The limit.</param>
    /// <param name="key">The name that the limit counts under.</param>
    /// <param name="decision">The decision that has counted the call.</param>
    public ValueTask WithdrawAsync(RateLimitBucket bucket, string key, RateLimitDecision decision) =>
        _claims.WithdrawAsync([Window(bucket, new(key))], decision.CountedAt, decision.Contention);

    /// <summary>Reports a call that was refused without a check of the shared window.</summary>
    public void Refused(RateLimitBucket bucket, string key, TimeSpan retryAfter, string path, string method) =>
        Report(bucket, key, new(false, 0, retryAfter, Contention: false), path, method);

    /// <summary>Corrects the counted cost of a call. Best effort: the correction in Redis is lost while Redis is unavailable.</summary>
    /// <param name="bucket">The limit.</param>
    /// <param name="key">The name that the limit counts under.</param>
    /// <param name="difference">Actual cost minus counted cost; negative when it cost less.</param>
    public ValueTask SettleAsync(RateLimitBucket bucket, string key, long difference) =>
        _claims.SettleAsync(Window(bucket, new(key)), difference);

    private static bool IsOfChat(RateLimitBucket bucket) =>
        bucket is RateLimitBucket.ChatStream or RateLimitBucket.ChatTokens or RateLimitBucket.ChatIp
            or RateLimitBucket.ChatAddressTokens or RateLimitBucket.ChatGlobalTokens or RateLimitBucket.ChatMoney;

    private WindowClaim Window(RateLimitBucket bucket, LimitKey key)
    {
        var (max, window) = _options.CurrentValue.Of(bucket);
        return new(bucket.Name(), RedisKeys.RateLimit(bucket.Name(), key.Name), (int)Math.Min((long)max * key.Times, int.MaxValue), window);
    }

    private void Report(RateLimitBucket bucket, string key, RateLimitDecision decision, string? path, string? method)
    {
        _metrics.RateLimit(bucket.Name(), (decision.Allowed, decision.Contention) switch
        {
            (true, false) => "allowed",
            (true, true) => "allowed_locally",
            (false, false) => "blocked",
            (false, true) => "blocked_locally",
        });
        if (!decision.Allowed || decision.Contention)
        {
            if (path is null && IsOfChat(bucket))
            {
                (path, method) = (Chat, "POST");
            }

            // The path decides, not the bucket: the chat limit per address (ChatIp) also guards other endpoints.
            var source = path?.StartsWith(Chat, StringComparison.Ordinal) is true ? RateLimitSource.ChatHttp : RateLimitSource.Http;
            var outcome = decision.Contention ? RateLimitOutcome.ContentionFallback : RateLimitOutcome.Blocked;
            _events.Record(new(source, bucket.Name(), $"{bucket.Name()}:{key}", outcome, null)
            {
                RetryAfter = decision.Allowed ? null : decision.RetryAfter,
                Path = path,
                Method = method,
            });
        }
    }
}

/// <summary>The decision of the rate limiter on one call.</summary>
/// <param name="Allowed">Whether the call may proceed.</param>
/// <param name="Remaining">Upper bound of the units that still fit.</param>
/// <param name="RetryAfter">Time until the call may fit; zero when allowed.</param>
/// <param name="Contention">True: Redis was unavailable, and this process decided on its own counts alone.</param>
public readonly record struct RateLimitDecision(bool Allowed, int Remaining, TimeSpan RetryAfter, bool Contention)
{
    /// <summary>Timestamp of the decision, for <see cref="RateLimiter.WithdrawAsync"/>.</summary>
    internal long CountedAt { get; init; }
}
