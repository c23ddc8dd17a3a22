using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.WhatsApp;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.RateLimiting;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.Messages;

/// <summary>
/// Reads one message: a linking code, or an order of a linked user. Every step may be repeated: a second run of the job changes nothing and
/// replies nothing more.
/// </summary>
internal sealed class MessageReader(
    NpgsqlDataSource database,
    RateLimiter limiter,
    PreferenceReader preferences,
    MediaDownload media,
    OrderExtraction extraction,
    OrderIntake intake,
    Replies replies,
    IOptionsMonitor<WhatsAppOptions> options,
    TimeProvider time,
    ILogger<MessageReader> logger)
{
    /// <summary>Shorter texts are no order.</summary>
    private const int ShortestText = 10;

    private static readonly TimeSpan TooManyCodesInterval = TimeSpan.FromMinutes(10);

    /// <summary>Many messages in a row are one try, and a person who has forgotten the answer gets it again the next day.</summary>
    private static readonly TimeSpan UnsupportedInterval = TimeSpan.FromDays(1);

    private static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(10);

    /// <summary>A model that is away for less than this loses no message.</summary>
    private static readonly TimeSpan ModelPatience = TimeSpan.FromHours(24);

    public async Task<ToolResult> ReadAsync(WhatsAppMessage message, CancellationToken cancellationToken)
    {
        if (message.Kind is WhatsAppMessageKind.Text && LinkingCode.Read(message.Text) is { } code)
        {
            return await LinkAsync(message, code, cancellationToken);
        }

        if (await FindAccountAsync(message, cancellationToken) is not { } account)
        {
            if (message.Kind is WhatsAppMessageKind.Text && LinkingCode.IsMistyped(message.Text))
            {
                return await LinkAsync(message, code: null, cancellationToken);
            }

            await replies.OnceToAsync(message, "how to link", ReplyTexts.HowToLink, cancellationToken);
            return Done(message, "unlinked");
        }

        if (!(await preferences.ReadAsync(account, cancellationToken)).WhatsappSyncEnabled)
        {
            return Done(message, "off");
        }

        if (message.Kind is WhatsAppMessageKind.Unsupported)
        {
            await replies.AtMostEveryAsync(UnsupportedInterval, message, "what can be sent", ReplyTexts.Unsupported, cancellationToken);
            return Done(message, "unsupported");
        }

        var source = new EvidenceSource(account, EvidenceKind.WhatsApp, message.Id, message.SentAt ?? time.GetUtcNow());
        if (await intake.IsKnownAsync(source, cancellationToken))
        {
            // A run that recorded it and ended before its reply.
            await replies.ToAsync(message, ReplyTexts.AlreadyRead, cancellationToken);
            return Done(message, "known");
        }

        return await ExtractAsync(message, source, cancellationToken);
    }

    /// <param name="message">The message.</param>
    /// <param name="code">The code; null: no account can have it.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    private async Task<ToolResult> LinkAsync(WhatsAppMessage message, string? code, CancellationToken cancellationToken)
    {
        // Every code counts, also a right one: the number of guesses is what matters. The key contains no phone number.
        var sender = InboxScope.DigestOf(message.UserId ?? message.Phone!);
        var guess = await limiter.CheckAsync(RateLimitBucket.WhatsAppLinkGuess, $"sender:{sender[..16]}", cancellationToken);
        if (!guess.Allowed)
        {
            await replies.AtMostEveryAsync(TooManyCodesInterval, message, "too many codes", ReplyTexts.TooManyCodes, cancellationToken);
            return Done(message, "limited");
        }

        var outcome = code is null
            ? LinkOutcome.UnknownCode
            : await InTransactionAsync(
                links => links.LinkAsync(code, message.UserId, message.Phone, time.GetUtcNow(), cancellationToken), cancellationToken);
        await replies.ToAsync(message, ReplyTexts.Of(outcome), cancellationToken);
        return Done(message, outcome is LinkOutcome.Linked or LinkOutcome.LinkedBefore ? "linked" : "wrong_code");
    }

    private async Task<string?> FindAccountAsync(WhatsAppMessage message, CancellationToken cancellationToken)
    {
        var account = await InTransactionAsync(
            links => links.FindAsync(message.UserId, message.Phone, message.SentAt, cancellationToken), cancellationToken);
        if (account is not null)
        {
            await using var command = database.CreateCommand(
                """
                -- store time of whatsapp message
                UPDATE whatsapp_links SET last_message_at = greatest(last_message_at, $2) WHERE user_id = $1
                """);
            command.Parameters.Add(new() { Value = account });
            command.Parameters.Add(new() { Value = (message.SentAt ?? time.GetUtcNow()).ToUniversalTime() });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        return account;
    }

    private async Task<ToolResult> ExtractAsync(WhatsAppMessage message, EvidenceSource source, CancellationToken cancellationToken)
    {
        MailExtraction found;
        if (message.Media is { } file)
        {
            switch (await media.GetAsync(file, cancellationToken))
            {
                case MediaResult.Unreadable unreadable:
                    logger.FileUnreadable(NameOf(message.Kind), unreadable.Reason);
                    await replies.ToAsync(
                        message, ReplyTexts.Unreadable(unreadable.Reason, options.CurrentValue.MediaMaxBytes), cancellationToken);
                    return Done(message, "unreadable");
                case MediaResult.Failed failed:
                    return Later(message, failed.Error);
                case MediaResult.Downloaded downloaded:
                    found = await extraction.ExtractPictureAsync(downloaded.File, downloaded.MediaType, message.Text, cancellationToken);
                    break;
                case var unknown:
                    throw new InvalidOperationException($"Unknown result {unknown}.");
            }
        }
        else if (message.Text.Trim().Length < ShortestText)
        {
            return Done(message, "short");
        }
        else
        {
            found = await extraction.ExtractTextAsync(message.Text, cancellationToken);
        }

        var age = time.GetUtcNow() - message.SentAt;
        if (found.Failure is { Retryable: true } && age >= ModelPatience)
        {
            found = found with { Failure = found.Failure with { Retryable = false } };
        }

        var result = await intake.RecordAsync(source, found, cancellationToken);
        if (result.Status is EvidenceStatus.Pending)
        {
            return WithoutModel(message, found.Failure!, age);
        }

        await replies.ToAsync(
            message, found.Failure is not null && result.Status is EvidenceStatus.Failed ? ReplyTexts.Unavailable : ReplyTexts.Of(result),
            cancellationToken);
        return Done(message, result.Status is EvidenceStatus.Extracted ? "extracted" : "nothing");
    }

    /// <summary>
    /// A model that does not respond costs no attempt, as for mails. Without the age of the message the attempts end the wait.
    /// </summary>
    private ToolResult WithoutModel(WhatsAppMessage message, ExtractionFailure failure, TimeSpan? age)
    {
        MessageMetrics.Read(NameOf(message.Kind), "delayed");
        logger.MessageDelayed(NameOf(message.Kind), failure.Message);
        if (age is not { } waited)
        {
            return new ToolResult.Failed(failure.Message, Retryable: true) { MinimumDelay = failure.RetryAfter };
        }

        var delay = TimeSpan.FromTicks(Math.Clamp(waited.Ticks / 4, DefaultDelay.Ticks, LongestDelay.Ticks));
        return new ToolResult.Postponed(failure.RetryAfter > delay ? failure.RetryAfter.Value : delay);
    }

    /// <summary>A file that could not be got. What is not this message's fault costs no attempt.</summary>
    private ToolResult Later(WhatsAppMessage message, UpstreamError error)
    {
        MessageMetrics.Read(NameOf(message.Kind), "delayed");
        logger.MessageDelayed(NameOf(message.Kind), error.Message);
        return error switch
        {
            { IsMisconfigured: true } => new ToolResult.Rejected(error.Message),
            { Status: null, Retryable: false } or { Status: 429 } => new ToolResult.Postponed(error.RetryAfter ?? DefaultDelay),
            _ => new ToolResult.Failed(error.Message, Retryable: true) { MinimumDelay = error.RetryAfter },
        };
    }

    private async Task<T> InTransactionAsync<T>(Func<WhatsAppLinks, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var result = await work(new(sql => new(sql, connection, transaction)));
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    private ToolResult.Done Done(WhatsAppMessage message, string outcome)
    {
        MessageMetrics.Read(NameOf(message.Kind), outcome);
        logger.MessageRead(NameOf(message.Kind), outcome);
        return new($$"""{"outcome":"{{outcome}}"}""", Cacheable: false);
    }

    private static string NameOf(WhatsAppMessageKind kind) => kind switch
    {
        WhatsAppMessageKind.Other => "other",
        WhatsAppMessageKind.Text => "text",
        WhatsAppMessageKind.Image => "image",
        WhatsAppMessageKind.Document => "document",
        WhatsAppMessageKind.Unsupported => "unsupported",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
