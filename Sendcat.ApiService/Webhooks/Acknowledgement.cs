using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Idempotency;

namespace Sendcat.ApiService.Webhooks;

/// <summary>The responses to authentic deliveries: 200 with the body <c>OK</c>, and the outcome as a metric.</summary>
internal static class Acknowledgement
{
    public const string ReplayHeader = "X-Idempotent-Replay";

    /// <summary>
    /// What was delivered is committed. When all of it had been delivered before, the response has the header of a replay.
    /// </summary>
    /// <param name="receipts">At least one.</param>
    public static ContentHttpResult Of(HttpContext http, Webhook webhook, params IReadOnlyList<InboxReceipt> receipts)
    {
        if (receipts.All(receipt => receipt.IsReplay))
        {
            http.Response.Headers[ReplayHeader] = "1";
            return Ok(webhook, "replayed");
        }

        return Ok(webhook, "accepted");
    }

    /// <summary>There is nothing to process, and never will be.</summary>
    /// <param name="reason">Why, from a small closed set: it is a tag of the metric.</param>
    public static ContentHttpResult Ignored(Webhook webhook, string reason) => Ok(webhook, reason);

    /// <summary>An authentic delivery that is not what its sender documents.</summary>
    public static ApiError Malformed(Webhook webhook, ApiError problem)
    {
        WebhookMetrics.Delivered(webhook, problem.Code);
        return problem;
    }

    private static ContentHttpResult Ok(Webhook webhook, string outcome)
    {
        WebhookMetrics.Delivered(webhook, outcome);
        return TypedResults.Text("OK");
    }
}
