namespace Sendcat.ApiService.Gmail;

/// <summary>A mailbox that a user has connected. A user has at most one, and a mailbox belongs to one user.</summary>
internal sealed class GmailConnection
{
    public const string Active = "active";

    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>The address as Google spells it.</summary>
    public required string Email { get; init; }

    /// <summary>The address in lower case.</summary>
    public required string NormalizedEmail { get; init; }

    /// <summary><c>active</c>, or <c>needs_reauth</c>: Google accepts the refresh token no longer.</summary>
    public required string Status { get; init; }

    /// <summary>Encrypted.</summary>
    public required string RefreshToken { get; init; }

    /// <summary>Encrypted; null: none yet.</summary>
    public string? AccessToken { get; init; }

    public DateTimeOffset? AccessTokenExpiresAt { get; init; }

    /// <summary>The history id up to which the mailbox was listed. It never decreases.</summary>
    public required long HistoryId { get; init; }

    /// <summary>When Gmail stops to notify us; null: it is not asked to.</summary>
    public DateTimeOffset? WatchExpiresAt { get; init; }

    public DateTimeOffset? WatchRenewedAt { get; init; }

    public DateTimeOffset? LastSyncAt { get; init; }

    public required DateTimeOffset ConnectedAt { get; init; }

    /// <summary>The fencing token of the sync that may write.</summary>
    public long SyncToken { get; init; }

    /// <summary>Until when that sync has the mailbox; null: none runs.</summary>
    public DateTimeOffset? SyncLeaseUntil { get; init; }
}

/// <summary>One reading of a mailbox, with its progress.</summary>
internal sealed class GmailSync
{
    public required Guid Id { get; init; }

    public required Guid ConnectionId { get; init; }

    public required string UserId { get; init; }

    /// <summary>
    /// <c>incremental</c> or <c>full</c>. An incremental sync becomes a full one when the history does not go back far enough.
    /// </summary>
    public required string Kind { get; init; }

    /// <summary><c>connect</c>, <c>push</c>, <c>user</c> or <c>schedule</c>.</summary>
    public required string Cause { get; init; }

    /// <summary><c>queued</c>, <c>running</c>, <c>completed</c> or <c>failed</c>.</summary>
    public required string State { get; init; }

    /// <summary>Days that a full sync goes back.</summary>
    public required int DaysBack { get; init; }

    /// <summary>The search that is being listed, from 0.</summary>
    public int Stage { get; init; }

    /// <summary>The token of the next page of the search; null: the first.</summary>
    public string? PageToken { get; init; }

    /// <summary>Whether all searches are listed.</summary>
    public bool Listed { get; init; }

    /// <summary>The history id to which the mailbox is listed at the end.</summary>
    public long? HistoryTarget { get; init; }

    /// <summary>Mails that were listed and not read before.</summary>
    public int Total { get; init; }

    /// <summary>Mails that were read.</summary>
    public int Processed { get; init; }

    /// <summary>Mails that were deleted meanwhile, or that the user wrote.</summary>
    public int Ignored { get; init; }

    /// <summary>Mails that could not be read after several attempts.</summary>
    public int Failed { get; init; }

    public int DraftsCreated { get; init; }

    public int DraftsUpdated { get; init; }

    public int PreAlerts { get; init; }

    public int ModelCalls { get; init; }

    /// <summary>Why it failed, for programs; null: it did not.</summary>
    public string? Error { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>A message of a mailbox that was listed. It is read once, whichever syncs list it.</summary>
internal sealed class GmailMessageRow
{
    public required Guid ConnectionId { get; init; }

    public required string MessageId { get; init; }

    /// <summary>The sync that reads it.</summary>
    public required Guid SyncId { get; init; }

    /// <summary><c>pending</c>, <c>read</c>, <c>ignored</c> or <c>failed</c>.</summary>
    public required string State { get; init; }

    public int Attempts { get; init; }

    /// <summary>The next attempt is not earlier.</summary>
    public DateTimeOffset AvailableAt { get; init; }

    public DateTimeOffset ListedAt { get; init; }

    public DateTimeOffset? SettledAt { get; init; }

    /// <summary>The known merchant whose own mail it is; null: none.</summary>
    public string? Merchant { get; init; }

    /// <summary>
    /// How its orders were found: <c>markup</c>, <c>merchant</c>, <c>model</c> or <c>none</c>; null: it is about no order.
    /// </summary>
    public string? Path { get; init; }
}
