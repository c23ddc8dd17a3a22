using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>Decides whether a turn may start: all dimensions and whatever claims come along, in one round trip.</summary>
public sealed class AdmissionController
{
    private static readonly ActivitySource Source = new("Sendcat.Admission");
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly AdmissionKeys.Kept _keys = new();
    private readonly AdmissionKeys.Kept _shadowKeys = new();
    private readonly ClaimStore _claims;
    private readonly LeaseRevocation _takeaway;
    private readonly RateLimitEvents _events;
    private readonly IOptionsMonitor<AdmissionOptions> _options;
    private readonly IOptionsMonitor<ChatGatewayOptions> _flags;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<AdmissionController> _logger;

    internal AdmissionController(
        ClaimStore claims,
        LeaseRevocation takeaway,
        RateLimitEvents events,
        IOptionsMonitor<AdmissionOptions> options,
        IOptionsMonitor<ChatGatewayOptions> flags,
        ReliabilityMetrics metrics,
        ILogger<AdmissionController> logger)
    {
        (_claims, _takeaway, _events, _options, _flags, _metrics, _logger) = (claims, takeaway, events, options, flags, metrics, logger);
    }

    /// <summary>What the flags say now. <c>FF_ADMISSION_ENFORCE</c> is stronger than shadow mode; without <c>ADMISSION_REDIS_ENABLED</c> neither counts.</summary>
    public AdmissionMode Mode =>
        !_options.CurrentValue.Enabled ? AdmissionMode.Disabled
        : _flags.CurrentValue.AdmissionEnforce || !_options.CurrentValue.ShadowMode ? AdmissionMode.Enforce
        : AdmissionMode.Shadow;

    /// <summary>Asks for a turn's place. Dispose the ticket whatever ends the turn.</summary>
    /// <exception cref="OperationCanceledException">The caller left while Redis was asked; nothing is held.</exception>
    public async ValueTask<AdmissionDecision> AdmitAsync(AdmissionRequest request, CancellationToken cancellationToken)
    {
        using var span = Source.StartActivity("admit");
        var mode = Mode;
        var options = _options.CurrentValue;
        var keys = mode is AdmissionMode.Shadow ? _shadowKeys.For(RedisKeys.Shadow(options.KeyPrefix)) : _keys.For(options.KeyPrefix);
        var tools = Tools(request, options, keys);
        var deciding = mode is AdmissionMode.Enforce ? [.. Dimensions(request, options, keys, tools), .. request.AlsoClaims] : request.AlsoClaims;
        IReadOnlyList<Claim> shadow = mode is AdmissionMode.Shadow ? Dimensions(request, options, keys, tools) : [];
        var whenAway = mode is AdmissionMode.Enforce && _flags.CurrentValue.FailClosedOnRedisError ? RedisFallback.Refuse : RedisFallback.DecideLocally;

        var outcome = await _claims.TakeAsync(request.StreamId, deciding, shadow, cancellationToken, whenAway);
        AdmissionDecision decision = outcome.Status switch
        {
            ClaimStatus.Taken => new AdmissionDecision.Admitted(mode, Ticket(), outcome.SoftBlocked, outcome.WouldBlock) { Local = outcome.Local },
            ClaimStatus.Refused => Refused(mode, request, outcome, options),
            _ => new AdmissionDecision.Denied(mode, AdmissionReason.RedisUnavailable, RetryAfter.Jittered(options)),
        };
        Report(request, decision, outcome, options);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("sendcat.admission.mode", Word(mode)).SetTag("sendcat.admission.outcome", decision is AdmissionDecision.Denied ? "denied" : outcome.Local ? "admitted_locally" : "admitted")
                .SetTag("sendcat.admission.reason", (decision as AdmissionDecision.Denied)?.Reason);
        }

        return decision;

        AdmissionTicket Ticket() => new(outcome.Lease, _claims, [.. deciding, .. shadow], outcome.Local, outcome.Local || mode is AdmissionMode.Disabled ? null : tools);
    }

    /// <summary>Frees whatever a turn holds, whichever replica it runs on; its ticket is <see cref="AdmissionTicket.Lost"/> at once. For a turn that takes over a detached one's place.</summary>
    /// <param name="principal">Whose turn it is, for the log alone: a stream id is unique.</param>
    /// <returns>False: Redis is away, and only a turn in this process was freed.</returns>
    public async ValueTask<bool> ReleaseAsync(string principal, string streamId, CancellationToken cancellationToken = default)
    {
        var reached = await _takeaway.TakeAsync(streamId, cancellationToken);
        _logger.TurnReleased(PrincipalMask.Of(principal), streamId, reached);
        return reached;
    }

    private static AdmissionDecision.Denied Refused(AdmissionMode mode, AdmissionRequest request, ClaimOutcome outcome, AdmissionOptions options)
    {
        var claim = outcome.RefusedBy!;
        var cameAlong = request.AlsoClaims.Contains(claim, ReferenceEqualityComparer.Instance);
        return new(mode, claim.Reason, cameAlong && outcome.RetryAfter is { } wait ? wait : RetryAfter.Jittered(options)) { By = cameAlong ? claim : null, Local = outcome.Local };
    }

    /// <summary>A guess, since nobody knows yet how many it will be; <see cref="AdmissionTicket.ToolsCalledAsync"/> sets it right.</summary>
    private static WindowClaim Tools(AdmissionRequest request, AdmissionOptions options, AdmissionKeys keys) => new(
        AdmissionReason.GlobalToolRate, keys.Tools, options.GlobalMaxToolCallsPerSecond, Second, Math.Max(0, options.EstimatedToolCallsPerMessage - (request.WebSearch ? 0 : 1)), options.EnforceGlobalToolRate);

    private static List<Claim> Dimensions(AdmissionRequest request, AdmissionOptions options, AdmissionKeys keys, WindowClaim tools)
    {
        var ttl = TimeSpan.FromMilliseconds(options.TicketTtlMs);
        List<Claim> claims = [new LeaseClaim(AdmissionReason.UserInFlight, RedisKeys.UserInFlight(keys.Prefix, request.Principal), options.UserMaxInFlight, ttl, options.EnforceUserInFlight)];
        AddShares(claims, request, options, keys, ttl);
        claims.Add(new LeaseClaim(AdmissionReason.GlobalInFlight, keys.Global, options.GlobalMaxInFlight, ttl, options.EnforceGlobalInFlight));
        claims.Add(new WindowClaim(AdmissionReason.GlobalMessageRate, keys.Messages, options.GlobalMaxMessagesPerSecond, Second, 1, options.EnforceGlobalMessageRate));
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
                claims.Add(new LeaseClaim(AdmissionReason.AddressInFlight, RedisKeys.AddressInFlight(keys.Prefix, address.Name), ofAddress * address.Times, ttl, options.EnforceAddressInFlight));
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
            case AdmissionDecision.Denied { By: null } denied:
                _metrics.Admission(Word(denied.Mode), "denied", denied.Reason);
                _logger.AdmissionDenied(PrincipalMask.Of(request.Principal), denied.Reason, (int)denied.RetryAfter.TotalMilliseconds);
                var unavailable = denied.Reason == AdmissionReason.RedisUnavailable || outcome.Local;
                Record(request, unavailable ? RateLimitOutcome.ContentionFallback : RateLimitOutcome.Blocked, denied.Reason, denied.RetryAfter, "chat_admission");
                break;

            case AdmissionDecision.Denied came:
                // The guard whose claim it is reports it with its own words.
                _metrics.Admission(Word(came.Mode), "denied", "other_guard");
                break;

            case AdmissionDecision.Admitted { WouldBlock: [var first, ..] }:
                _metrics.Admission("shadow", "would_block", first);
                Record(request, RateLimitOutcome.Blocked, first, null, "chat_admission_shadow");
                break;

            case AdmissionDecision.Admitted { Mode: not AdmissionMode.Disabled } admitted:
                var soft = admitted.SoftBlocked is [var reason, ..] ? reason : null;
                _metrics.Admission(Word(admitted.Mode), admitted.Local ? "admitted_locally" : "admitted", soft ?? "none");
                var bucket = admitted.Mode is AdmissionMode.Shadow ? "chat_admission_shadow" : "chat_admission";
                if (admitted.Local)
                {
                    Record(request, RateLimitOutcome.ContentionFallback, AdmissionReason.RedisUnavailable, null, bucket);
                }
                else if (Random.Shared.Next(100) < options.AllowedEventSamplePct)
                {
                    Record(request, RateLimitOutcome.Allowed, soft, null, bucket);
                }

                break;

            default:
                break;
        }
    }

    private void Record(AdmissionRequest request, RateLimitOutcome outcome, string? reason, TimeSpan? retryAfter, string bucket) =>
        _events.Record(new(RateLimitSource.ChatHttp, bucket, $"chat_admission:{request.Principal}", outcome, reason) { RetryAfter = retryAfter, Path = "/api/chat", Method = "POST" });

    private static string Word(AdmissionMode mode) => mode switch
    {
        AdmissionMode.Enforce => "enforce",
        AdmissionMode.Shadow => "shadow",
        _ => "disabled",
    };
}
