using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.RateLimiting;

/// <summary>Counts calls against sliding windows that all replicas share. Without Redis each replica counts for itself: bounded, never open, never closed.</summary>
public sealed class RateLimiter
{
    /// <summary>What a refusal is called when the claim came along with others.</summary>
    public const string Reason = "rate_limited";

    private const string Chat = "/api/chat";

    /// <summary>A refusal without Redis says nothing about the shared window: ask again soon.</summary>
    private static readonly TimeSpan ContentionRetry = TimeSpan.FromSeconds(1);

    private readonly ClaimStore _claims;
    private readonly RateLimitEvents _events;
    private readonly IOptionsMonitor<RateLimitOptions> _options;
    private readonly ReliabilityMetrics _metrics;

    internal RateLimiter(ClaimStore claims, RateLimitEvents events, IOptionsMonitor<RateLimitOptions> options, ReliabilityMetrics metrics)
    {
        (_claims, _events, _options, _metrics) = (claims, events, options, metrics);
    }

    /// <summary>One call in the bucket, to be decided together with other claims.</summary>
    public WindowClaim Claim(RateLimitBucket bucket, LimitKey key) => Window(bucket, key) with
    {
        WhenRefused = outcome => Report(bucket, key.Name, new(false, 0, outcome.RetryAfter ?? ContentionRetry, outcome.Local), null, null),
    };

    public WindowClaim Claim(RateLimitBucket bucket, string key) => Claim(bucket, new LimitKey(key));

    /// <summary>
    /// Reserves what a turn may cost, to be decided together with other claims; <see cref="Admission.AdmissionTicket.SpentAsync"/> sets it right. At most a tenth of the budget is reserved for one turn: a budget
    /// that is small beside a single turn would never admit any otherwise.
    /// </summary>
    /// <returns>Null: the budget is off.</returns>
    public WindowClaim? Reserve(RateLimitBucket bucket, LimitKey key, long estimate)
    {
        if (IsOff(bucket))
        {
            return null;
        }

        var claim = Claim(bucket, key);
        return claim with
        {
            Cost = (int)Math.Clamp(estimate, 1, Math.Max(1, claim.Max / 10)),
            Reserves = bucket is RateLimitBucket.ChatMoney ? SpendUnit.MicroUsd : SpendUnit.Tokens,
        };
    }

    /// <summary>Nobody counts this bucket.</summary>
    public bool IsOff(RateLimitBucket bucket) => _options.CurrentValue.Of(bucket).Max == 0;

    /// <summary>Counts one call if the window has room; a refused one is not counted.</summary>
    /// <param name="path">For the event that a refusal leaves.</param>
    public ValueTask<RateLimitDecision> CheckAsync(RateLimitBucket bucket, string key, CancellationToken cancellationToken, string? path = null, string? method = null) =>
        CheckAsync(bucket, [new LimitKey(key)], cancellationToken, path, method);

    /// <summary>The same for a call that counts under several names, in one round trip: all have room, or none is counted.</summary>
    /// <param name="cost">What the call counts as. One that costs more than a whole window is counted as a whole window.</param>
    public async ValueTask<RateLimitDecision> CheckAsync(
        RateLimitBucket bucket, IReadOnlyList<LimitKey> keys, CancellationToken cancellationToken, string? path = null, string? method = null, int cost = 1)
    {
        var windows = new WindowClaim[keys.Count];
        for (var n = 0; n < windows.Length; n++)
        {
            var window = Window(bucket, keys[n]);
            windows[n] = window with { Cost = Math.Min(cost, window.Max) };
        }

        var outcome = await _claims.TakeAsync(keys[0].Name, windows, [], cancellationToken, RedisFallback.DecideLocally);
        var key = keys[outcome.RefusedBy is WindowClaim refusing ? Array.IndexOf(windows, refusing) : 0].Name;
        var allowed = outcome.Status is ClaimStatus.Taken;
        var decision = new RateLimitDecision(
            allowed,
            allowed ? outcome.Remaining ?? 0 : 0,
            allowed ? TimeSpan.Zero : outcome.Local ? ContentionRetry : outcome.RetryAfter ?? ContentionRetry,
            outcome.Local);
        Report(bucket, key, decision, path, method);
        return decision;
    }

    /// <summary>Tells of a call that was refused before the shared window was asked.</summary>
    public void Refused(RateLimitBucket bucket, string key, TimeSpan retryAfter, string path, string method) =>
        Report(bucket, key, new(false, 0, retryAfter, Contention: false), path, method);

    /// <summary>Sets right what a call cost: <paramref name="difference"/> more than was counted, or less. Best effort: without Redis it is forgotten.</summary>
    public ValueTask SettleAsync(RateLimitBucket bucket, string key, long difference) => _claims.SettleAsync(Window(bucket, new(key)), difference);

    private static bool IsOfChat(RateLimitBucket bucket) => bucket is RateLimitBucket.ChatStream or RateLimitBucket.ChatTokens or RateLimitBucket.ChatIp
        or RateLimitBucket.ChatAddressTokens or RateLimitBucket.ChatGlobalTokens or RateLimitBucket.ChatMoney;

    private WindowClaim Window(RateLimitBucket bucket, LimitKey key)
    {
        var (max, window) = _options.CurrentValue.Of(bucket);
        return new(Reason, RedisKeys.RateLimit(bucket.Name(), key.Name), (int)Math.Min((long)max * key.Times, int.MaxValue), window);
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

            // By the path: the addresses' budget of the chat stands in front of other endpoints as well.
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

/// <param name="Remaining">Calls that still fit, at most.</param>
/// <param name="RetryAfter">Zero when allowed.</param>
/// <param name="Contention">Redis was away: this process counted alone.</param>
public readonly record struct RateLimitDecision(bool Allowed, int Remaining, TimeSpan RetryAfter, bool Contention);
