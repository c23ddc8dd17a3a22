using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Gmail;

/// <param name="Url">The address of Google's page. The browser that sent the request must visit it within ten minutes.</param>
internal sealed record GmailConsentPage(string Url);

/// <param name="Connected">Whether a mailbox is connected.</param>
internal sealed record GmailStatus(bool Connected)
{
    /// <summary>The address of the mailbox.</summary>
    public string? Email { get; init; }

    /// <summary><c>active</c>, or <c>needs_reauth</c>: the user must connect the mailbox again.</summary>
    public string? Status { get; init; }

    /// <summary>The end of the last sync that read the whole list.</summary>
    public DateTimeOffset? LastSyncAt { get; init; }

    public DateTimeOffset? ConnectedAt { get; init; }

    /// <summary>Until when Gmail reports new mails at once; absent: they are found within half an hour.</summary>
    public DateTimeOffset? WatchExpiresAt { get; init; }

    /// <summary>The newest sync; absent: none yet.</summary>
    public GmailSyncView? Sync { get; init; }
}

internal sealed record GmailSyncQueued(Guid Id);

/// <param name="State"><c>queued</c>, <c>running</c>, <c>completed</c> or <c>failed</c>.</param>
/// <param name="Processed">Mails that were read.</param>
/// <param name="Ignored">Mails that were deleted meanwhile, or that the user wrote.</param>
/// <param name="Failed">Mails that could not be read after several attempts.</param>
internal sealed record GmailSyncView(
    Guid Id, string Kind, string Cause, string State, int Processed, int Ignored, int Failed, int DraftsCreated, int DraftsUpdated,
    int PreAlerts, int ModelCalls)
{
    /// <summary>Mails to read; absent while they are being listed.</summary>
    public int? Total { get; init; }

    /// <summary><c>needs_reauth</c>, <c>disconnected</c> or <c>gave_up</c>; absent: none.</summary>
    public string? Error { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public static GmailSyncView Of(GmailSync sync) => new(
        sync.Id, sync.Kind, sync.Cause, sync.State, sync.Processed, sync.Ignored, sync.Failed, sync.DraftsCreated, sync.DraftsUpdated,
        sync.PreAlerts, sync.ModelCalls)
    {
        Total = sync.Listed ? sync.Total : null,
        Error = sync.Error,
        CreatedAt = sync.CreatedAt,
        StartedAt = sync.StartedAt,
        EndedAt = sync.EndedAt,
    };
}

[
    JsonSourceGenerationOptions(
        PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GmailConsentPage))]
[JsonSerializable(typeof(GmailStatus))]
[JsonSerializable(typeof(GmailSyncQueued))]
[JsonSerializable(typeof(GmailSyncView))]
internal sealed partial class GmailJson : JsonSerializerContext;
