using Sendcat.Integrations.Work;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.Messages;

/// <summary>Sends one reply.</summary>
internal sealed class ReplySender(GraphClient graph, Replies replies, ILogger<ReplySender> logger)
{
    private const string Sent = """{"sent":true}""";
    private const string NotSent = """{"sent":false}""";

    /// <summary>Errors of Meta that pass: rate limits of the app, the account, the number and the pair of numbers.</summary>
    private static readonly string[] Limits = ["4", "80007", "130429", "131048", "131056"];

    /// <summary>Errors of Meta about the recipient: not reachable, or no message from them within 24 hours.</summary>
    private static readonly string[] Undeliverable = ["131026", "131047", "131030", "131021"];

    private static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(30);

    public async Task<ToolResult> SendAsync(WhatsAppReply reply, CancellationToken cancellationToken)
    {
        if (!await replies.BeginAttemptAsync(reply.Key, cancellationToken))
        {
            logger.ReplyMaybeSent();
            MessageMetrics.Replied("maybe_sent");
            return new ToolResult.Done(NotSent, Cacheable: false);
        }

        var response = await graph.SendAsync(reply, cancellationToken);
        if (response.IsSuccess)
        {
            await replies.SentAsync(reply.Key, response.Value, CancellationToken.None);
            MessageMetrics.Replied("sent");
            return new ToolResult.Done(Sent, Cacheable: false);
        }

        // With a status, or without a request, Meta has sent nothing. After a timeout it may have.
        if (response.Error is { Status: not null } or { Retryable: false })
        {
            await replies.ReleaseAttemptAsync(reply.Key, CancellationToken.None);
        }

        return Refused(response.Error);
    }

    private ToolResult Refused(UpstreamError error)
    {
        switch (error)
        {
            case { IsMisconfigured: true }:
                return Rejected(error);
            case { Status: null, Retryable: false } or { Status: 429 }:
            case { Code: { } limit } when Limits.Contains(limit):
                MessageMetrics.Replied("delayed");
                return new ToolResult.Postponed(error.RetryAfter ?? DefaultDelay);
            case { Code: { } code } when Undeliverable.Contains(code):
                logger.ReplyUndeliverable(error.Message);
                MessageMetrics.Replied("undeliverable");
                return new ToolResult.Done(NotSent, Cacheable: false);
            case { Status: 401 } or { Code: "0" or "190" }:
                return Again(error);
            case { Status: >= 400 and < 500 and not 408 }:
                return Rejected(error);
            default:
                return Again(error);
        }
    }

    private ToolResult.Rejected Rejected(UpstreamError error)
    {
        logger.ReplyRejected(error.Message);
        MessageMetrics.Replied("rejected");
        return new(error.Message);
    }

    private ToolResult.Failed Again(UpstreamError error)
    {
        logger.ReplyDelayed(error.Message);
        MessageMetrics.Replied("delayed");
        return new(error.Message, Retryable: true) { MinimumDelay = error.RetryAfter };
    }
}
