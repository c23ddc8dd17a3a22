using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>
/// Decides whether a turn may start: all dimensions of admission and the claims of other guards, in one round trip to Redis.
/// </summary>
public sealed class AdmissionController : IDisposable
{
    private static readonly ActivitySource Source = new("Sendcat.Admission");
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>The principal of admitted turns whose event names none.</summary>
    private const string Unnamed = "unnamed";

    private readonly AdmissionKeys.Cache _keys = new();
    private readonly AdmissionKeys.Cache _shadowKeys = new();
    private readonly ClaimStore _claims;
    private readonly GuardedRedis _redis;
    private readonly LeaseRevocation _revocation;
    private readonly RateLimitEvents _events;
    private readonly IOptionsMonitor<AdmissionOptions> _options;
    private readonly IOptionsMonitor<ChatGatewayOptions> _flags;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<AdmissionController> _logger;
    private readonly MinuteLog<string> _denied;

    internal AdmissionController(
        ClaimStore claims,
        GuardedRedis redis,
        LeaseRevocation revocation,
        RateLimitEvents events,
        IOptionsMonitor<AdmissionOptions> options,
        IOptionsMonitor<ChatGatewayOptions> flags,
        ReliabilityMetrics metrics,
        TimeProvider time,
        ILogger<AdmissionController> logger)
    {
        (_claims, _redis, _revocation, _events, _options, _flags, _metrics, _logger) =
            (claims, redis, revocation, events, options, flags, metrics, logger);
        _denied = new(time, (reason, turns, principal) => logger.TurnsDenied(turns, reason, principal));
    }

    public void Dispose() => _denied.Dispose();

    /// <summary>The mode that the flags select now.</summary>
    public AdmissionMode Mode => ModeOf(_flags.CurrentValue, _options.CurrentValue);

    private bool FailsClosed => Mode is AdmissionMode.Enforce && _flags.CurrentValue.FailClosedOnRedisError;

    /// <summary>
    /// The mode that the flags select: at most that of the gateway, and at most that of admission itself, for which
    /// <c>FF_ADMISSION_ENFORCE</c> overrides shadow mode. Without <c>ADMISSION_REDIS_ENABLED</c> admission is disabled.
    /// </summary>
    public static AdmissionMode ModeOf(ChatGatewayOptions flags, AdmissionOptions options) =>
        !flags.Enabled || !options.Enabled ? AdmissionMode.Disabled
        : flags.Shadow || (options.ShadowMode && !flags.AdmissionEnforce) ? AdmissionMode.Shadow
        : AdmissionMode.Enforce;

    /// <summary>
    /// Whether turns can be decided now: false while each start is refused because Redis is unavailable or hangs, see
    /// <c>FF_FAIL_CLOSED_ON_REDIS_ERROR</c>.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public async ValueTask<(bool CanDecide, bool RedisResponds)> CheckAsync(CancellationToken cancellationToken)
    {
        var responds = await _redis.RespondsAsync(cancellationToken);
        return (responds || !FailsClosed, responds);
    }

    /// <summary>Requests the slots and rates of a turn. Dispose the ticket when the turn ends, for whatever reason.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled during the request to Redis. No lease is held.</exception>
    public async ValueTask<AdmissionDecision> AdmitAsync(AdmissionRequest request, CancellationToken cancellationToken)
    {
        using var span = Source.StartActivity("admit");
        var mode = Mode;
        var options = _options.CurrentValue;
        var keys = mode is AdmissionMode.Shadow ? _shadowKeys.For(RedisKeys.Shadow(options.KeyPrefix)) : _keys.For(options.KeyPrefix);
        var tools = Tools(request, options, keys);
        IReadOnlyList<Claim> deciding =
            [
                .. OneTurn(request, options), .. mode is AdmissionMode.Enforce ? Dimensions(request, options, keys, tools) : [],
                .. request.OtherClaims,
            ];
        IReadOnlyList<Claim> shadow = mode is AdmissionMode.Shadow ? Dimensions(request, options, keys, tools) : [];
        var fallback = FailsClosed ? RedisFallback.Refuse : RedisFallback.DecideLocally;

        var outcome = await _claims.TakeAsync(request.StreamId, deciding, shadow, cancellationToken, fallback, request.Replaces);
        AdmissionDecision decision = outcome.Status switch
        {
            ClaimStatus.Taken =>
                new AdmissionDecision.Admitted(mode, Ticket(), outcome.SoftBlocked, outcome.WouldBlock) { Local = outcome.Local },
            ClaimStatus.Refused => Refused(mode, request, outcome, options),
            _ => new AdmissionDecision.Denied(mode, AdmissionReason.RedisUnavailable, LocalClaims.RetryAfter),
        };
        Report(request, decision, outcome, options);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("sendcat.admission.mode", NameOf(mode))
                .SetTag(
                    "sendcat.admission.outcome",
                    decision is AdmissionDecision.Denied ? "denied" : outcome.Local ? "admitted_locally" : "admitted")
                .SetTag("sendcat.admission.reason", (decision as AdmissionDecision.Denied)?.Reason);
        }

        return decision;

        AdmissionTicket Ticket() =>
            new(
                outcome.Lease, _claims, [.. deciding, .. shadow], outcome.Local,
                outcome.Local || mode is AdmissionMode.Disabled ? null : tools,
                request.StreamId, () => FailsClosed ? RedisFallback.Refuse : RedisFallback.DecideLocally,
                new(mode, deciding, shadow, outcome));
    }

    /// <summary>
    /// Revokes all leases of a turn, on whichever replica it runs, and cancels <see cref="AdmissionTicket.Lost"/> of its ticket at once.
    /// Used when a new turn takes over the slot of a detached turn.
    /// </summary>
    /// <param name="principal">The principal of the turn, for the log only: a stream id is unique.</param>
    /// <param name="streamId">The holder, see <see cref="AdmissionRequest.StreamId"/>.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>False: Redis is unavailable, and only a turn in this process was released.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public async ValueTask<bool> ReleaseAsync(string principal, string streamId, CancellationToken cancellationToken = default)
    {
        var reached = await _revocation.RevokeAsync(streamId, cancellationToken);
        _logger.TurnReleased(PrincipalMask.Of(principal), streamId, reached);
        return reached;
    }

    private static AdmissionDecision.Denied Refused(
        AdmissionMode mode, AdmissionRequest request, ClaimOutcome outcome, AdmissionOptions options)
    {
        var claim = outcome.RefusedBy!;
        var fromOtherGuard = request.OtherClaims.Contains(claim, ReferenceEqualityComparer.Instance);
        var retryAfter = (fromOtherGuard || outcome.Local) && outcome.RetryAfter is { } wait ? wait : RetryAfter.Jittered(options);
        return new(mode, claim.Reason, retryAfter) { By = fromOtherGuard ? claim : null, Local = outcome.Local };
    }

    /// <summary>
    /// The claim for the estimated tool calls of a turn; their number is not known before the turn.
    /// <see cref="AdmissionTicket.ToolsCalledAsync"/> corrects it.
    /// </summary>
    private static WindowClaim Tools(AdmissionRequest request, AdmissionOptions options, AdmissionKeys keys) => new(
        AdmissionReason.GlobalToolRate,
        keys.Tools,
        options.GlobalMaxToolCallsPerSecond,
        Second,
        Math.Max(0, options.EstimatedToolCallsPerMessage - (request.WebSearch ? 0 : 1)),
        options.EnforceGlobalToolRate);

    private static IEnumerable<Claim> OneTurn(AdmissionRequest request, AdmissionOptions options) => request.Message is { } message
        ? [
            new LeaseClaim(
                AdmissionReason.SameMessage, RedisKeys.TurnOfMessage(message), Cap: 1, TimeSpan.FromMilliseconds(options.TicketTtlMs))]
        : [];

    private static List<Claim> Dimensions(AdmissionRequest request, AdmissionOptions options, AdmissionKeys keys, WindowClaim tools)
    {
        var ttl = TimeSpan.FromMilliseconds(options.TicketTtlMs);
        var userKey = RedisKeys.UserInFlight(keys.Prefix, request.Principal);
        List<Claim> claims =
        [
            new LeaseClaim(AdmissionReason.UserInFlight, userKey, options.UserMaxInFlight, ttl, options.EnforceUserInFlight),
        ];
        AddShares(claims, request, options, keys, ttl);
        claims.Add(
            new LeaseClaim(AdmissionReason.GlobalInFlight, keys.Global, options.GlobalMaxInFlight, ttl, options.EnforceGlobalInFlight));
        claims.Add(new WindowClaim(
            AdmissionReason.GlobalMessageRate, keys.Messages, options.GlobalMaxMessagesPerSecond, Second, 1,
            options.EnforceGlobalMessageRate));
        if (tools.Cost > 0)
        {
            claims.Add(tools);
        }

        return claims;
    }

    private static void AddShares(List<Claim> claims, AdmissionRequest request, AdmissionOptions options, AdmissionKeys keys, TimeSpan ttl)
    {
        var shares = InFlightShares.Of(options, request.RouteSlots);
        if (shares.OfAddress is { } ofAddress)
        {
            foreach (var address in request.Addresses)
            {
                var key = RedisKeys.AddressInFlight(keys.Prefix, address.Name);
                claims.Add(
                    new LeaseClaim(AdmissionReason.AddressInFlight, key, ofAddress * address.Times, ttl, options.EnforceAddressInFlight));
            }
        }

        if (request.IsGuest && shares.OfGuests is { } ofGuests)
        {
            claims.Add(new LeaseClaim(AdmissionReason.GuestInFlight, keys.Guests, ofGuests, ttl, options.EnforceGuestInFlight));
        }
    }

    private void Report(AdmissionRequest request, AdmissionDecision decision, ClaimOutcome outcome, AdmissionOptions options)
    {
        switch (decision)
        {
            case AdmissionDecision.Denied { Reason: AdmissionReason.SameMessage } repeated:
                // A repeated request waits for the turn of the first one and joins it: no limit has refused it.
                _metrics.Admission(NameOf(repeated.Mode), "denied", repeated.Reason);
                break;

            case AdmissionDecision.Denied { By: null } denied:
                _metrics.Admission(NameOf(denied.Mode), "denied", denied.Reason);
                var principal = PrincipalMask.Of(request.Principal);
                _logger.AdmissionDenied(principal, denied.Reason, (int)denied.RetryAfter.TotalMilliseconds);
                _denied.Add(denied.Reason, principal);
                var unavailable = denied.Reason == AdmissionReason.RedisUnavailable || outcome.Local;
                var result = unavailable ? RateLimitOutcome.ContentionFallback : RateLimitOutcome.Blocked;
                Record(request.Principal, result, denied.Reason, denied.RetryAfter, "chat_admission");
                break;

            case AdmissionDecision.Denied fromOtherGuard:
                // The guard that owns the claim records its own event and log (Claim.OnRefused).
                _metrics.Admission(NameOf(fromOtherGuard.Mode), "denied", "other_guard");
                break;

            case AdmissionDecision.Admitted { WouldBlock: [var first, ..] }:
                _metrics.Admission("shadow", "would_block", first);
                Record(request.Principal, RateLimitOutcome.Blocked, first, null, "chat_admission_shadow");
                break;

            case AdmissionDecision.Admitted { Mode: not AdmissionMode.Disabled } admitted:
                var soft = admitted.SoftBlocked is [var reason, ..] ? reason : null;
                _metrics.Admission(NameOf(admitted.Mode), admitted.Local ? "admitted_locally" : "admitted", soft ?? "none");
                var bucket = admitted.Mode is AdmissionMode.Shadow ? "chat_admission_shadow" : "chat_admission";
                if (admitted.Local)
                {
                    Record(request.Principal, RateLimitOutcome.ContentionFallback, AdmissionReason.RedisUnavailable, null, bucket);
                }
                else
                {
                    // Each admission is one hit. Those of all unnamed principals share a row in five seconds.
                    var named = Random.Shared.Next(100) < options.AllowedEventSamplePct;
                    Record(named ? request.Principal : Unnamed, RateLimitOutcome.Allowed, soft, null, bucket);
                }

                break;

            default:
                break;
        }
    }

    private void Record(string principal, RateLimitOutcome outcome, string? reason, TimeSpan? retryAfter, string bucket) =>
        _events.Record(new(RateLimitSource.ChatHttp, bucket, $"chat_admission:{principal}", outcome, reason)
        {
            RetryAfter = retryAfter,
            Path = "/api/chat",
            Method = "POST",
        });

    private static string NameOf(AdmissionMode mode) => mode switch
    {
        AdmissionMode.Enforce => "enforce",
        AdmissionMode.Shadow => "shadow",
        AdmissionMode.Disabled => "disabled",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, null),
    };
}
