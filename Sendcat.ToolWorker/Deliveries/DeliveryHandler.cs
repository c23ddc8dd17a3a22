using System.Text.Json;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Signing;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Executes <c>deliveries</c>: sends one mail.</summary>
internal sealed class DeliveryHandler(
    MailComposer composer, ResendClient resend, EarlierAttempts earlier, UndeliverableAddresses undeliverable, TimeProvider time,
    ILogger<DeliveryHandler> logger)
    : IToolHandler
{
    private const string NothingSent = """{"sent":false}""";
    private const string Sent = """{"sent":true}""";

    /// <summary>Delay after a refusal that names none: an open circuit, a full bulkhead, a rate limit.</summary>
    private static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(15);

    /// <summary>A mail is tried again after this time, even if Resend names a longer one: an operator may have raised the quota.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    /// <summary>
    /// Resend remembers a key for 24 h from the first request with it. Minus the time that an attempt takes, and differences of clocks.
    /// </summary>
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(24) - TimeSpan.FromMinutes(10);

    public ToolLane Lane => QueuedWork.Deliveries.Lane;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        var delivery = JsonSerializer.Deserialize(arguments, DeliveryJson.Default.Delivery)!;
        var kind = JsonNamingPolicy.SnakeCaseLower.ConvertName(delivery.Kind.ToString());
        if (time.GetUtcNow() - delivery.RequestedAt >= MailComposer.LifetimeOf(delivery.Kind))
        {
            logger.MailTooLate(delivery.Id, kind, delivery.RequestedAt);
            DeliveryMetrics.Attempted(kind, "too_late");
            return new ToolResult.Failed("The mail is too late.", Retryable: false);
        }

        // An attempt that has sent the mail would be repeated. No attempt is older than the request.
        if (time.GetUtcNow() - delivery.RequestedAt >= KeyLifetime
            && await earlier.MayHaveSentAsync(delivery.Id, KeyLifetime, cancellationToken))
        {
            logger.MailMaybeSent(delivery.Id, kind);
            DeliveryMetrics.Attempted(kind, "maybe_sent");
            return new ToolResult.Failed("An attempt more than a day ago may have sent the mail.", Retryable: false);
        }

        if (await composer.ComposeAsync(delivery, cancellationToken) is not { } mail)
        {
            logger.MailNotNeeded(delivery.Id, kind);
            DeliveryMetrics.Attempted(kind, "not_needed");
            return new ToolResult.Done(NothingSent, Cacheable: false);
        }

        if (await undeliverable.FindAsync(delivery.Address, time.GetUtcNow(), cancellationToken) is { } outcome
            && !(outcome is MailOutcome.Complained && IsRequested(delivery.Kind)))
        {
            logger.MailUndeliverable(delivery.Id, kind);
            DeliveryMetrics.Attempted(kind, "undeliverable");
            return new ToolResult.Done(NothingSent, Cacheable: false);
        }

        var response = await resend.SendAsync(mail, delivery.Id, cancellationToken);
        if (response.IsSuccess)
        {
            logger.MailSent(delivery.Id, kind);
            DeliveryMetrics.Attempted(kind, "sent");
            return new ToolResult.Done(Sent, Cacheable: false);
        }

        return Refused(delivery, kind, response.Error);
    }

    /// <summary>Mails that the owner of the address waits for are sent although an earlier one was reported as spam.</summary>
    private static bool IsRequested(MailKind kind) =>
        kind is MailKind.PasswordReset or MailKind.AddressConfirmation or MailKind.UnfinishedRegistration;

    private ToolResult Refused(Delivery delivery, string kind, UpstreamError error)
    {
        switch (ResultOf(error))
        {
            case ToolResult.Done done:
                logger.MailSentBefore(delivery.Id, kind);
                DeliveryMetrics.Attempted(kind, "sent_before");
                return done;
            case ToolResult.Rejected rejected:
                logger.MailRejected(delivery.Id, kind, rejected.Error);
                DeliveryMetrics.Attempted(kind, "rejected");
                return rejected;
            case var delayed:
                logger.MailDelayed(delivery.Id, kind, error.Message);
                DeliveryMetrics.Attempted(kind, "delayed");
                return delayed;
        }
    }

    /// <summary>
    /// Resend remembers the key of a mail that it has sent for 24 h. The same key with another body therefore means that an earlier attempt
    /// has sent this mail, and that the account or a setting has changed since.
    /// </summary>
    private static ToolResult ResultOf(UpstreamError error) => error switch
    {
        { IsMisconfigured: true } => new ToolResult.Rejected(error.Message),
        { Code: "invalid_idempotent_request" } => new ToolResult.Done(Sent, Cacheable: false),

        // Not the mail's fault, so it costs no attempt: the circuit is open, the bulkhead is full, or the account has reached a rate limit.
        { Status: null, Retryable: false } or { Status: 429 } => Later(error.RetryAfter ?? DefaultDelay),

        // An operator may replace the key while the attempts last. A conflict means that an earlier attempt is still in progress.
        { Status: 401 or 409 } or { Code: "invalid_api_key" or "restricted_api_key" } => Again(error),
        { Status: >= 400 and < 500 and not 408 and not 425 } => new ToolResult.Rejected(error.Message),
        _ => Again(error),
    };

    private static ToolResult.Postponed Later(TimeSpan delay) => new(delay < LongestDelay ? delay : LongestDelay);

    private static ToolResult.Failed Again(UpstreamError error) => new(error.Message, Retryable: true) { MinimumDelay = error.RetryAfter };
}

internal static class DeliveriesFeature
{
    public static IServiceCollection AddDeliveries(this IServiceCollection services) =>
        services.AddOutbound().AddSigning()
            .AddSingleton<Recipients>().AddSingleton<PackageNotices>().AddSingleton<WebApp>().AddSingleton<MailComposer>()
                .AddSingleton<ResendClient>()
            .AddSingleton<EarlierAttempts>().AddSingleton<UndeliverableAddresses>().AddSingleton<IToolHandler, DeliveryHandler>();
}
