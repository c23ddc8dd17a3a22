using System.Globalization;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Chat;

/// <summary>Whether the turns of the last minute got what they asked for, and what was in their way.</summary>
/// <param name="Verdict"><c>ok</c>, <c>degraded</c>: more than the policy's share of turns is bad, or <c>failing</c>: most of them are,
/// or none can start.</param>
/// <param name="Cause">
/// <c>provider</c>, <c>store</c>, <c>lane</c>, <c>key</c>, <c>operator</c> (the routes are isolated by hand), <c>caller</c>,
/// <c>capacity</c> (the limits for all callers together) or <c>service</c> (this program); null when the verdict is <c>ok</c>.
/// </param>
/// <param name="Text">A sentence for people.</param>
internal sealed record ChatVerdict(string Verdict, string? Cause, string Text)
{
    public const string Ok = "ok";
    public const string Degraded = "degraded";
    public const string Failing = "failing";

    private const string Provider = "provider";
    private const string Store = "store";
    private const string Lane = "lane";
    private const string Key = "key";
    private const string Operator = "operator";
    private const string Caller = "caller";
    private const string Capacity = "capacity";
    private const string Service = "service";

    /// <summary>Turns are refused, although the key is configured and Redis responds.</summary>
    public static readonly ChatVerdict PostgresIsUnavailable = new(Failing, Store, "Postgres does not respond, and turns are refused.");

    /// <summary>From this share on, most turns are bad.</summary>
    private const double Most = 0.5;

    /// <summary>The last 15 seconds have few turns, so that more of them must be slow than of a minute: so many times as many.</summary>
    private const int LeastSlow = 2;

    /// <summary>The turns that still wait for their first token.</summary>
    public const string Waiting = "waiting_first_token";

    /// <param name="recent">The turns that ended in the last minute.</param>
    /// <param name="latest">Those of them that ended in the last 15 seconds.</param>
    /// <param name="waiting">The turns that still wait for their first token, longer than the policy allows.</param>
    public static ChatVerdict Of(VerdictPolicy policy, RecentCounts recent, RecentCounts latest, int waiting)
    {
        // The turns that ended before a provider became slow would hide for most of a minute that no first token arrives any more.
        var minute = Of(policy, recent, waiting, "minute");
        var slow = latest.Late + waiting;
        return minute.Verdict == Ok && slow >= LeastSlow * policy.MinBad && slow > (latest.Turns + waiting) * policy.BadShare
            ? Of(policy, latest, waiting, "15 seconds")
            : minute;
    }

    private static ChatVerdict Of(VerdictPolicy policy, RecentCounts recent, int waiting, string window)
    {
        var (turns, bad) = (recent.Turns + waiting, recent.Bad + waiting);
        if (bad < policy.MinBad || bad <= turns * policy.BadShare)
        {
            return new(Ok, null, turns == 0 ? $"No turn ended in the last {window}." : Sentence(bad, turns, window, bad == 1 ? "is bad" : "are bad"));
        }

        var reasons = recent.Reasons.Append(new(Waiting, waiting)).Where(reason => reason.Value > 0).ToList();
        var cause = reasons.GroupBy(reason => CauseOf(reason.Key), StringComparer.Ordinal)
            .OrderByDescending(group => group.Sum(reason => reason.Value)).ThenBy(group => group.Key, StringComparer.Ordinal).First();
        var details = string.Join(", ", cause.OrderByDescending(reason => reason.Value).Take(3)
            .Select(reason => string.Create(CultureInfo.InvariantCulture, $"{reason.Key} {reason.Value}")));
        return new(
            bad >= turns * Most ? Failing : Degraded, cause.Key,
            $"{Sentence(bad, turns, window, "failed, were refused, are partial, or wait too long for their first token")} "
            + $"{Blame(cause.Key)} ({details}).");
    }

    /// <summary>No turn can start.</summary>
    /// <param name="keyConfigured">Whether the key of the model provider is configured; else Redis does not respond.</param>
    public static ChatVerdict CannotStart(bool keyConfigured) => keyConfigured
        ? new(Failing, Store, "Redis does not respond, and turns are refused without it.")
        : new(Failing, Key, "The key of the model provider is not configured.");

    /// <param name="reason">A reason of a refusal, or the code of a turn's error.</param>
    public static string CauseOf(string reason) => reason switch
    {
        "upstream_auth" or "upstream_quota_exceeded" or "misconfigured" or RefusalReason.RouteSuspended or RefusalReason.NotConfigured => Key,
        RefusalReason.RouteIsolated or RefusalReason.ReplicaDrained => Operator,
        RecentCounts.LateFirstToken or Waiting or Bulkheads.Reason => Provider,
        RefusalReason.StoreUnavailable or RefusalReason.RowsLocked or RefusalReason.FilesUnavailable or RefusalReason.RedisUnavailable => Store,
        RecentCounts.PartialResult => Lane,
        AdmissionReason.GlobalInFlight or AdmissionReason.GlobalMessageRate or AdmissionReason.GlobalToolRate or AdmissionReason.GuestInFlight
            or RefusalReason.LargeMessages or "chat_global_tokens" => Capacity,
        AdmissionReason.SameMessage or AdmissionReason.UserInFlight or AdmissionReason.AddressInFlight => Caller,
        "internal_error" or SliMinute.OtherReason or RefusalReason.PriceUnknown => Service,
        _ when reason.StartsWith("upstream_", StringComparison.Ordinal) => Provider,
        // The names of rate limits and budgets of one caller.
        _ => Caller,
    };

    private static string Blame(string cause) => cause switch
    {
        Provider => "The model provider is slow or fails",
        Store => "A store (Postgres, Redis or files) does not respond",
        Lane => "A lane of the tool queue is full",
        Key => "The model provider refuses Sendcat's key or account",
        Operator => "An operator has isolated the routes to the model provider, or drained replicas",
        Caller => "Callers exceed their own limits",
        Capacity => "All callers together exceed the limits of this deployment",
        _ => "Sendcat itself failed",
    };

    private static string Sentence(long bad, long turns, string window, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{bad} of {turns} turns of the last {window} {what}.");
}
