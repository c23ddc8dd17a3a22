using System.Reflection;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.UnitTests.Chat;

public sealed class ChatRefusalTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(7);

    private static readonly string[] Reasons =
    [
        .. typeof(AdmissionReason).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetValue(null)!),
        Bulkheads.Reason,
        .. new[]
        {
            RateLimitBucket.ChatStream, RateLimitBucket.ChatIp, RateLimitBucket.ChatTokens, RateLimitBucket.ChatAddressTokens,
            RateLimitBucket.ChatGlobalTokens, RateLimitBucket.ChatMoney,
        }.Select(RateLimitBuckets.Name),
    ];

    [Fact]
    public void Every_reason_of_a_refused_turn_has_its_own_reason_and_a_text()
    {
        var refusals = Reasons.Select(reason => ChatRefusal.Of(new AdmissionDecision.Denied(AdmissionMode.Enforce, reason, Wait))).ToList();

        Assert.Equal(Reasons, refusals.Select(refusal => refusal.Reason));
        Assert.All(refusals, refusal => Assert.Equal((Wait, true), (refusal.RetryAfter, refusal.Status is 429 or 503)));
        // The two rates of admission are the same to a caller.
        Assert.Equal(Reasons.Length - 1, refusals.Select(refusal => refusal.Message).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_full_route_an_absent_redis_and_a_starting_turn_are_503_and_every_other_refusal_is_429() =>
        Assert.All(Reasons, reason => Assert.Equal(
            reason is Bulkheads.Reason or AdmissionReason.RedisUnavailable or AdmissionReason.SameMessage ? 503 : 429,
            ChatRefusal.Of(new AdmissionDecision.Denied(AdmissionMode.Enforce, reason, Wait)).Status));
}
