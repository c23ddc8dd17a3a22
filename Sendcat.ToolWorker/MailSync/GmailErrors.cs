using Sendcat.Integrations.Gmail;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>What follows from an error of Gmail or of Google's OAuth endpoints.</summary>
internal static class GmailErrors
{
    /// <summary>Delay after a refusal that names none.</summary>
    private static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan RateDelay = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    /// <summary>No request for this mailbox would succeed now.</summary>
    public static bool ConcernsAll(UpstreamError error) =>
        IsNotSent(error) || IsRateLimit(error) || IsRefusedToken(error) || NeedsConsent(error);

    /// <summary>The access token is not valid: a new one may be.</summary>
    public static bool IsRefusedToken(UpstreamError error) => error.Status is 401 && error.Code is not "invalid_client";

    /// <summary>Only the user can help.</summary>
    public static bool NeedsConsent(UpstreamError error) => error.Code is GmailConsents.InvalidGrant or "insufficientPermissions";

    /// <summary>The result of a job that cannot go on now.</summary>
    public static ToolResult ResultOf(UpstreamError error) => error switch
    {
        _ when IsNotSent(error) => Later(error.RetryAfter ?? DefaultDelay),
        _ when IsRateLimit(error) => Later(error.RetryAfter ?? RateDelay),
        _ => new ToolResult.Failed(error.Message, Retryable: true) { MinimumDelay = error.RetryAfter },
    };

    /// <summary>The circuit is open or the bulkhead is full.</summary>
    private static bool IsNotSent(UpstreamError error) => error is { Status: null, Retryable: false, IsTooLong: false, Code: null };

    private static bool IsRateLimit(UpstreamError error) =>
        error.Status is 429
            || (
                error.Status is 403
                    && error.Code is "rateLimitExceeded" or "userRateLimitExceeded" or "quotaExceeded" or "dailyLimitExceeded");

    private static ToolResult.Postponed Later(TimeSpan delay) => new(delay < LongestDelay ? delay : LongestDelay);
}
