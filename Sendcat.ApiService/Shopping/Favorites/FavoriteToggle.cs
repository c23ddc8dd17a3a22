using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Shopping.Favorites;

/// <summary>Adds a favourite if it does not exist and removes it if it exists, in one SQL statement.</summary>
internal sealed class FavoriteToggle(RequestDatabase database, TimeProvider time)
{
    private const int MaxAttempts = 5;

    /// <returns>Null: the list does not exist or belongs to another user.</returns>
    /// <exception cref="TimeoutException">Every attempt met a concurrent change of the same favourite.</exception>
    public async Task<FavoriteToggled?> ToggleAsync(string user, FavoriteToggling request, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (await TryAsync(user, request, cancellationToken) is { } toggled)
            {
                return toggled;
            }

            if (request.ListId is { } list && !await OwnsAsync(user, list, cancellationToken))
            {
                return null;
            }

            // A concurrent request inserted the same favourite, so nothing was inserted or deleted. The next attempt finds it and removes
            // it.
        }

        throw new TimeoutException($"The favourite was changed concurrently in each of {MaxAttempts} attempts.");
    }

    /// <returns>Null: nothing was inserted or deleted.</returns>
    private async Task<FavoriteToggled?> TryAsync(string user, FavoriteToggling request, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- toggle favorite
            WITH gone AS (
                DELETE FROM favorites WHERE user_id = $1 AND type = $3 AND external_id = $4 AND list_id IS NOT DISTINCT FROM $2 RETURNING id
            ), kept AS (
                INSERT INTO favorites (id, user_id, list_id, type, external_id, item, created_at)
                SELECT $5, $1, $2, $3, $4, $6, $7
                WHERE NOT EXISTS (SELECT FROM gone) AND ($2 IS NULL OR EXISTS (SELECT FROM favorite_lists WHERE id = $2 AND user_id = $1))
                ON CONFLICT (user_id, list_id, type, external_id) DO NOTHING
                RETURNING id
            )
            SELECT 'removed', id FROM gone UNION ALL SELECT 'added', id FROM kept
            """);
        var now = time.Now();
        command.Parameters.Add(new() { Value = user });
        command.Parameters.Add(new() { Value = (object?)request.ListId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = request.Type! });
        command.Parameters.Add(new() { Value = request.ExternalId! });
        command.Parameters.Add(new() { Value = Guid.CreateVersion7(now) });
        command.Parameters.Add(new() { Value = request.Item!.Value.GetRawText(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = now });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            return await reader.ReadAsync(CancellationToken.None) ? new(reader.GetString(0), reader.GetGuid(1)) : null;
        }
        catch (PostgresException violation) when (violation.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // The list was deleted between the check and the insert.
            return null;
        }
    }

    private async Task<bool> OwnsAsync(string user, Guid list, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- check favorite list
            SELECT EXISTS (SELECT FROM favorite_lists WHERE id = $1 AND user_id = $2)
            """);
        command.Parameters.Add(new() { Value = list });
        command.Parameters.Add(new() { Value = user });
        return await command.ExecuteScalarAsync(CancellationToken.None) is true;
    }
}
