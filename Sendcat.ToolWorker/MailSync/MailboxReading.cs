using Microsoft.Extensions.Options;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Gmail;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Orders;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Timing;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>
/// Reads the listed messages of a sync: fetches each, extracts its orders and records them. Several are fetched and extracted at the same
/// time, and recorded in the order of their arrival. A message that fails is tried again later, and after several attempts the sync goes on
/// without it.
/// </summary>
internal sealed class MailboxReading(
    GmailClient gmail, OrderExtraction extraction, OrderIntake intake, SyncRows syncs, IOptionsMonitor<GmailOptions> options,
    TimeProvider time, StoreOutages outages,
    ILogger<MailboxReading> logger)
{
    /// <summary>The time for one message, with the requests to Gmail and to the model.</summary>
    private static readonly TimeSpan MessageTimeout = TimeSpan.FromSeconds(55);

    /// <summary>No further message is begun after this time of an attempt; a job may last two minutes.</summary>
    private static readonly TimeSpan ReadingTime = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromMinutes(10);

    /// <summary>A model that is away for less than this loses no mail.</summary>
    private static readonly TimeSpan ModelPatience = TimeSpan.FromHours(24);

    /// <summary>Messages that were fetched are not fetched again because Postgres was unavailable for a moment.</summary>
    private readonly PersistentWrite _writing = new("read mails", outages, logger, time);

    /// <returns>Null: no message is due, or the time is over; else the error of Gmail that concerns all messages.</returns>
    public async Task<UpstreamError?> ReadAsync(SyncRow sync, Mailbox mailbox, string token, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < ReadingTime;)
        {
            var batch = await syncs.NextAsync(sync, options.CurrentValue.Parallel, cancellationToken);
            if (batch.Count == 0)
            {
                return null;
            }

            // The last statement before the fetches: an attempt that ends here has fetched nothing in vain.
            var known = await intake.KnownAsync(
                mailbox.UserId, EvidenceKind.Gmail, [.. batch.Select(message => message.Id)], cancellationToken);
            var read = await Task.WhenAll(batch.Select(message => known.Contains(message.Id)
                ? Task.FromResult(new Reading { Settled = new("read") })
                : TryReadAsync(mailbox, token, message, cancellationToken)));
            foreach (var (message, result) in batch.Zip(read))
            {
                await SettleAsync(sync, mailbox, message, result, cancellationToken);
            }

            if (read.FirstOrDefault(result => result.Stop is not null) is { Stop: { } error })
            {
                return error;
            }
        }

        return null;
    }

    private async Task<Reading> TryReadAsync(Mailbox mailbox, string token, PendingMessage message, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(MessageTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await ReadOneAsync(mailbox, token, message, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new() { Failure = "timeout" };
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // One bad mail never stops a sync.
            logger.MessageThrew(mailbox.Id, message.Id, failure);
            return new() { Failure = failure.GetType().Name };
        }
    }

    private async Task<Reading> ReadOneAsync(Mailbox mailbox, string token, PendingMessage message, CancellationToken cancellationToken)
    {
        var fetched = await gmail.ReadAsync(token, message.Id, cancellationToken);
        if (!fetched.IsSuccess)
        {
            return fetched.Error switch
            {
                { Status: 404 } => new() { Settled = SettledMessage.Ignored },
                { IsTooLong: true } => new() { Failure = "too long", IsFinal = true },
                var error when GmailErrors.ConcernsAll(error) => new() { Stop = error },
                var error => new() { Failure = error.Message },
            };
        }

        if (fetched.Value.IsIgnored)
        {
            return new() { Settled = SettledMessage.Ignored };
        }

        var mail = MailReader.Read(fetched.Value.Raw);
        var source = new EvidenceSource(
            mailbox.UserId, EvidenceKind.Gmail, message.Id, fetched.Value.ReceivedAt ?? mail.Date ?? time.GetUtcNow(), mail.Subject,
            mail.SenderDomain);
        return new() { Mail = mail, Source = source, Extraction = await extraction.ExtractAsync(mail, cancellationToken) };
    }

    private async Task SettleAsync(
        SyncRow sync, Mailbox mailbox, PendingMessage message, Reading reading, CancellationToken cancellationToken)
    {
        if (reading.Stop is not null)
        {
            return;
        }

        if (reading is { Extraction: { } extracted, Source: { } source, Mail: { } mail })
        {
            reading = await RecordAsync(mailbox, message, mail, source, extracted, cancellationToken);
        }

        if (reading.Settled is { } settled)
        {
            await SettleAsync(sync, mailbox, message, settled, cancellationToken);
            return;
        }

        var attempts = message.Attempts + 1;
        if (reading.IsFinal || (attempts >= options.CurrentValue.MessageMaxAttempts && !reading.WaitsForModel))
        {
            logger.MessageFailed(mailbox.Id, message.Id, attempts, reading.Failure ?? "");
            await SettleAsync(sync, mailbox, message, SettledMessage.Failed, cancellationToken);
            return;
        }

        logger.MessageDeferred(mailbox.Id, message.Id, attempts, reading.Failure ?? "");
        var backoff = new Backoff(
            TimeSpan.FromMilliseconds(options.CurrentValue.MessageRetryBaseMs), LongestRetryDelay) { Jitter = 0.25 }.After(attempts,
            Random.Shared.NextDouble());
        var delay = reading.RetryAfter > backoff ? reading.RetryAfter.Value : backoff;
        await _writing.RunAsync(
            write => syncs.DeferAsync(sync, mailbox.SyncToken, message.Id, delay, write), cancellationToken);
    }

    private async Task SettleAsync(
        SyncRow sync, Mailbox mailbox, PendingMessage message, SettledMessage settled, CancellationToken cancellationToken)
    {
        await _writing.RunAsync(
            write => syncs.SettleAsync(sync, mailbox.SyncToken, message.Id, settled, write), cancellationToken);
        MailSyncMetrics.Read(settled);
    }

    private async Task<Reading> RecordAsync(
        Mailbox mailbox, PendingMessage message, ReadMail mail, EvidenceSource source, MailExtraction extracted,
        CancellationToken cancellationToken)
    {
        var isLast = extracted.Failure is { Retryable: true } && time.GetUtcNow() - message.ListedAt >= ModelPatience;
        var result = isLast ? extracted with { Failure = extracted.Failure! with { Retryable = false } } : extracted;
        try
        {
            var recorded = await intake.RecordAsync(source, result, cancellationToken);
            return recorded.Status is EvidenceStatus.Pending
                ? new()
                {
                    Failure = extracted.Failure?.Message ?? "pending",
                    RetryAfter = extracted.Failure?.RetryAfter,
                    WaitsForModel = true,
                }
                : new()
                {
                    Settled = new("read")
                    {
                        Merchant = mail.Merchant?.Id,
                        Path = extracted.Kind is MailTopic.Order or MailTopic.Shipment or MailTopic.Delivery
                            ? NameOf(extracted.Path)
                            : null,
                        Intake = recorded,
                        ModelCalls = extracted.ModelCalls,
                    },
                };
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            logger.MessageThrew(mailbox.Id, message.Id, failure);
            return new() { Failure = failure.GetType().Name };
        }
    }

    private static string NameOf(ExtractionPath path) => path switch
    {
        ExtractionPath.None => "none",
        ExtractionPath.Markup => "markup",
        ExtractionPath.Merchant => "merchant",
        ExtractionPath.Model => "model",
        _ => throw new InvalidOperationException($"There is no path {path}."),
    };

    /// <summary>What became of one message, before it is written.</summary>
    private sealed record Reading
    {
        public ReadMail? Mail { get; init; }

        public EvidenceSource? Source { get; init; }

        public MailExtraction? Extraction { get; init; }

        public SettledMessage? Settled { get; init; }

        /// <summary>An error that concerns all messages.</summary>
        public UpstreamError? Stop { get; init; }

        /// <summary>Why it could not be read. It contains no text of the mail.</summary>
        public string? Failure { get; init; }

        /// <summary>No attempt will succeed.</summary>
        public bool IsFinal { get; init; }

        /// <summary>A model does not respond at present, so the attempts do not count.</summary>
        public bool WaitsForModel { get; init; }

        public TimeSpan? RetryAfter { get; init; }
    }
}
