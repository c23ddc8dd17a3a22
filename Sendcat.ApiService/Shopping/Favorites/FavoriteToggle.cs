using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Shopping.Favorites;

/// <summary>Adds what is not there and removes what is, in one statement.</summary>
internal sealed class FavoriteToggle(NpgsqlDataSource database, TimeProvider time)
{
    private const int MostTries = 5;

    /// <returns>Null: the list is not (or not any more) one of the user's.</returns>
    public async Task<FavoriteToggled?> ToggleAsync(string user, FavoriteToggling asked, CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (await TryAsync(user, asked, cancellationToken) is { } toggled)
            {
                return toggled;
            }

            if (asked.ListId is { } list && !await OwnsAsync(user, list, cancellationToken))
            {
                return null;
            }

            // Somebody added the same at the same moment: now it is there to be removed.
        }

        throw new TimeoutException("A favourite was toggled by too many at once.");
    }

    private async Task<FavoriteToggled?> TryAsync(string user, FavoriteToggling asked, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
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
        command.Parameters.Add(new() { Value = (object?)asked.ListId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = asked.Type! });
        command.Parameters.Add(new() { Value = asked.ExternalId! });
        command.Parameters.Add(new() { Value = Guid.CreateVersion7(now) });
        command.Parameters.Add(new() { Value = asked.Item!.Value.GetRawText(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = now });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? new(reader.GetString(0), reader.GetGuid(1)) : null;
        }
        catch (PostgresException gone) when (gone.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // The list was deleted between our look and our write.
            return null;
        }
    }

    private async Task<bool> OwnsAsync(string user, Guid list, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- check favorite list
            SELECT EXISTS (SELECT FROM favorite_lists WHERE id = $1 AND user_id = $2)
            """);
        command.Parameters.Add(new() { Value = list });
        command.Parameters.Add(new() { Value = user });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}
