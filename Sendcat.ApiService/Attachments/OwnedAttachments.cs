using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// The attachments of a principal. Every statement checks the owner; a foreign, a missing and a malformed id have the same result. Every
/// statement may be on the way to a turn and therefore has the shorter time limit.
/// </summary>
internal sealed class OwnedAttachments(RequestDatabase database, Quotas quotas, TimeProvider time)
{
    private const string IsOwned = "(user_id = $2 OR (user_id IS NULL AND session_id = $3))";

    private const string FindStored = $"""
        -- find attachments
        SELECT id, name, type, size, created_at, stored_at, sha256 FROM attachments
        WHERE id = ANY($1) AND {IsOwned} AND stored_at IS NOT NULL
        """;

    private const string DeleteOwned = $"""
        -- delete attachment
        DELETE FROM attachments WHERE id = $1 AND {IsOwned}
        """;

    private const string ReserveForUser = $"""
        -- reserve attachment
        WITH owned AS (SELECT coalesce(sum(owned.bytes), 0) AS bytes FROM {Usage.OfUser}),
        {Reserve}
        """;

    private const string ReserveForGuest = $"""
        -- reserve attachment
        WITH owned AS (SELECT coalesce(sum(owned.bytes), 0) AS bytes FROM {Usage.OfGuest}),
        {Reserve}
        """;

    // $1 and $2: see Usage.Parameters. $3 … $10: the columns of the row. $11: the most bytes that the principal may use before.
    private const string Reserve = """
        added AS (
          INSERT INTO attachments (id, user_id, session_id, name, type, size, sha256, created_at)
          SELECT $3, $4, $5, $6, $7, $8, $9, $10 FROM owned WHERE owned.bytes <= $11
          RETURNING id
        )
        SELECT EXISTS (SELECT FROM added)
        """;

    /// <summary>
    /// $1 id, $2 the time. When the row is gone, the content is to be deleted: nothing else names it. Returns whether the row was there.
    /// </summary>
    private const string SetStored = """
        -- set attachment stored
        WITH stored AS (
            UPDATE attachments SET stored_at = $2 WHERE id = $1 RETURNING id
        ), orphaned AS (
            INSERT INTO deleted_attachments (id, deleted_at) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM stored) ON CONFLICT DO NOTHING
        )
        SELECT EXISTS (SELECT FROM stored)
        """;

    private const string Withdraw = """
        -- withdraw attachment
        DELETE FROM attachments WHERE id = $1 AND stored_at IS NULL
        """;

    private const string DiscardUnused = """
        -- discard attachments
        DELETE FROM attachments WHERE id = ANY($1) AND attached_at IS NULL
        """;

    /// <returns>Null for an attachment that does not exist, is not stored or belongs to somebody else, and for a malformed id.</returns>
    public async Task<Attachment?> FindAsync(Principal principal, string id, CancellationToken cancellationToken) =>
        IsId(id, out var parsed) ? (await FindAsync(principal, [parsed], cancellationToken)).GetValueOrDefault(parsed) : null;

    /// <summary>Reads the attachments that a message names.</summary>
    /// <param name="references">Null: no attachments.</param>
    /// <returns>What is to be stored with the message, in the order of the references; 400 for an unknown id or too many bytes.</returns>
    public async Task<Outcome<MessageAttachment[]>> ResolveAsync(
        Principal principal, IReadOnlyList<AttachmentReference>? references, CancellationToken cancellationToken)
    {
        if (references is null or [])
        {
            return Array.Empty<MessageAttachment>();
        }

        var ids = new List<Guid>();
        foreach (var reference in references)
        {
            if (!IsId(reference.StorageId, out var id))
            {
                return Unknown();
            }

            ids.Add(id);
        }

        var found = await FindAsync(principal, [.. ids.Distinct()], cancellationToken);
        return ids.Distinct().Count() != found.Count ? Unknown()
            : found.Values.Sum(attachment => attachment.Size) > MessageAttachment.MostBytesPerMessage ? TooLarge()
            : (MessageAttachment[])[.. ids.Distinct().Select(id => MessageAttachment.Of(found[id]))];
    }

    /// <returns>False for an attachment that does not exist or belongs to somebody else, and for a malformed id.</returns>
    public async Task<bool> DeleteAsync(Principal principal, string id, CancellationToken cancellationToken)
    {
        if (!IsId(id, out var parsed))
        {
            return false;
        }

        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(DeleteOwned);
        command.Parameters.Add(new() { Value = parsed });
        AddOwner(command, principal.UserId, principal.SessionId);
        return await command.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    /// <summary>
    /// Inserts the row of a file that is about to be stored. Without <see cref="SetStoredAsync"/> it is deleted an hour later.
    /// </summary>
    /// <returns>409 when the file does not fit into the quota of the principal.</returns>
    public async Task<Outcome<Attachment>> ReserveAsync(Principal principal, UploadedFile file, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var attachment = new Attachment
        {
            Id = Guid.CreateVersion7(now), UserId = principal.UserId, SessionId = principal.UserId is null ? principal.SessionId : null,
            Name = file.Name, Type = file.Type, Size = file.Size, Sha256 = file.Sha256, CreatedAt = now,
        };
        var quota = quotas.Of(principal);
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(principal.UserId is null ? ReserveForGuest : ReserveForUser);
        command.Parameters.AddRange(Usage.Parameters(principal, quota));
        command.Parameters.Add(new() { Value = attachment.Id });
        AddOwner(command, attachment.UserId, attachment.SessionId);
        command.Parameters.Add(new() { Value = file.Name });
        command.Parameters.Add(new() { Value = file.Type });
        command.Parameters.Add(new() { Value = file.Size });
        command.Parameters.Add(new() { Value = file.Sha256 });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = quota.Bytes - Math.Max(file.Size, Usage.LeastFileBytes) });
        return await command.ExecuteScalarAsync(CancellationToken.None) is true ? attachment : Quotas.TooManyBytes();
    }

    /// <summary>Records that the content is stored. From now on the attachment can be read and attached.</summary>
    /// <returns>False: the attachment was deleted meanwhile, for instance with its account. Its content is going to be deleted.</returns>
    public async Task<bool> SetStoredAsync(Attachment attachment, CancellationToken cancellationToken)
    {
        attachment.StoredAt = time.Now();
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(SetStored);
        command.Parameters.Add(new() { Value = attachment.Id });
        command.Parameters.Add(new() { Value = attachment.StoredAt });
        return await command.ExecuteScalarAsync(CancellationToken.None) is true;
    }

    /// <summary>Deletes the row of a file that could not be stored.</summary>
    public async Task WithdrawAsync(Attachment attachment, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(Withdraw);
        command.Parameters.Add(new() { Value = attachment.Id });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Deletes the files of a request that was refused. One that a message has named meanwhile stays.</summary>
    public async Task DiscardAsync(IReadOnlyList<Guid> stored, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(DiscardUnused);
        command.Parameters.Add(new() { Value = stored.ToArray() });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static bool IsId(string? text, out Guid id) => Guid.TryParseExact(text, "D", out id);

    private static ApiError Unknown() => ApiError.InvalidRequest("attachments must name files that you have uploaded");

    private static ApiError TooLarge() =>
        ApiError.InvalidRequest($"The files of a message may have at most {MessageAttachment.MostBytesPerMessage} bytes together");

    private static void AddOwner(NpgsqlCommand command, string? userId, string? sessionId)
    {
        command.Parameters.Add(new() { Value = (object?)userId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)sessionId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
    }

    private async Task<Dictionary<Guid, Attachment>> FindAsync(Principal principal, Guid[] ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(FindStored);
        command.Parameters.Add(new() { Value = ids });
        AddOwner(command, principal.UserId, principal.SessionId);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var found = new Dictionary<Guid, Attachment>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            found[reader.GetGuid(0)] = new()
            {
                Id = reader.GetGuid(0), UserId = principal.UserId, SessionId = principal.SessionId, Name = reader.GetString(1),
                Type = reader.GetString(2), Size = reader.GetInt64(3), CreatedAt = new(reader.GetDateTime(4)),
                StoredAt = new DateTimeOffset(reader.GetDateTime(5)),
                Sha256 = await reader.IsDBNullAsync(6, CancellationToken.None) ? null : reader.GetString(6),
            };
        }

        return found;
    }
}

/// <summary>A file that is about to be stored.</summary>
/// <param name="Type">See <see cref="Attachment.Type"/>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">See <see cref="Attachment.Sha256"/>.</param>
internal sealed record UploadedFile(string Name, string Type, long Size, string Sha256);
