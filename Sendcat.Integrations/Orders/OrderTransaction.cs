using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Integrations.Orders;

/// <summary>
/// An open transaction that changes drafts, parcels or pre-alerts of one user. All such transactions begin with <see cref="LockAsync"/>:
/// two mails about one order, and a mail and the user's own change, come one after the other.
/// </summary>
/// <param name="create">Creates a command in the transaction.</param>
/// <param name="userId">The owner.</param>
/// <param name="now">The time of the change.</param>
internal sealed class OrderTransaction(Func<string, NpgsqlCommand> create, string userId, DateTimeOffset now)
{
    public Func<string, NpgsqlCommand> Create => create;

    public string UserId => userId;

    public DateTimeOffset Now => now;

    public static NpgsqlParameter Nullable(NpgsqlDbType type, object? value) =>
        new() { NpgsqlDbType = type, Value = value ?? DBNull.Value };

    /// <summary>Waits until no other transaction changes the orders of the user.</summary>
    /// <returns>False: the account does not exist. It cannot be deleted before the transaction ends.</returns>
    public async Task<bool> LockAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            """
            -- lock orders of user
            SELECT pg_advisory_xact_lock(hashtextextended('orders:' || $1, 0))
            """,
            cancellationToken, userId);
        await using var find = Command(
            """
            -- hold user of orders
            SELECT id FROM users WHERE id = $1 FOR KEY SHARE
            """,
            userId);
        return await find.ExecuteScalarAsync(cancellationToken) is not null;
    }

    public NpgsqlCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var command = create(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new() { Value = value });
        }

        return command;
    }

    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var statement = Command(sql, values);
        await statement.ExecuteNonQueryAsync(cancellationToken);
    }
}
