using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Chat;

/// <summary>What the end of a turn means for the service level objectives.</summary>
internal static class TurnServiceLevel
{
    /// <summary>
    /// From this wait on, a turn that ends without a token counts as one with a late token: its user has waited in vain.
    /// </summary>
    private static readonly TimeSpan LateToken =
        TimeSpan.FromMilliseconds(SloPolicy.Default.Tiers.Values.Max(tier => tier.P95FirstTokenMs));

    /// <param name="last">The last event of the turn.</param>
    /// <param name="ending">Null: it ended by itself.</param>
    /// <param name="acceptedAt">Timestamp of the request.</param>
    /// <param name="firstTokenAt">Timestamp of the first token; null: there was none.</param>
    /// <returns>Null for a turn that another one of the same message replaces: its request gets the answer of that one.</returns>
    public static SliRequest? Of(ChatEvent last, TurnEnding? ending, long acceptedAt, long? firstTokenAt, TimeProvider time)
    {
        var lasted = time.GetElapsedTime(acceptedAt);
        var firstToken = firstTokenAt is { } first ? time.GetElapsedTime(acceptedAt, first) : lasted > LateToken ? lasted : (TimeSpan?)null;
        return last switch
        {
            _ when ending is TurnEnding.Repeated => null,
            ChatEvent.Done => new SliRequest(SliOutcome.Served, FirstToken: firstToken, Completion: lasted),
            ChatEvent.Error error when ending is not TurnEnding.ThreadDeleted =>
                new(
                    IsOfCaller(error) ? SliOutcome.Rejected
                    : error.Code == ChatEvent.Error.RateLimited ? SliOutcome.Shed
                    : SliOutcome.Failed,
                    error.Code, firstToken),
            _ => new(SliOutcome.Aborted, FirstToken: firstToken),
        };
    }

    /// <summary>The provider did not accept what the caller sent: its content, its length or its model.</summary>
    private static bool IsOfCaller(ChatEvent.Error error) => error.Code == "upstream_bad_request";
}
