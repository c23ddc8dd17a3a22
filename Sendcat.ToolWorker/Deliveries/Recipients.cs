using Npgsql;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Reads the accounts that mails are about, from the table of the API.</summary>
internal sealed class Recipients(NpgsqlDataSource database)
{
    public Task<Recipient?> FindAsync(string userId, CancellationToken cancellationToken) => ReadAsync(
        """
        -- find recipient
        SELECT id, email, email_confirmed, security_stamp FROM users WHERE id = $1
        """,
        userId,
        cancellationToken);

    public Task<Recipient?> FindByAddressAsync(string address, CancellationToken cancellationToken) => ReadAsync(
        """
        -- find recipient by address
        SELECT id, email, email_confirmed, security_stamp FROM users WHERE normalized_email = $1
        """,
        // As ASP.NET Core Identity normalises addresses.
        address.Normalize().ToUpperInvariant(),
        cancellationToken);

    private async Task<Recipient?> ReadAsync(string sql, string value, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && !await reader.IsDBNullAsync(1, cancellationToken)
            && !await reader.IsDBNullAsync(3, cancellationToken)
            ? new(reader.GetString(0), reader.GetString(1), reader.GetBoolean(2), reader.GetString(3))
            : null;
    }
}

/// <summary>The account that a mail is about.</summary>
/// <param name="SecurityStamp">Links are bound to it: they are no longer valid when it has changed.</param>
internal sealed record Recipient(string UserId, string Email, bool EmailConfirmed, string SecurityStamp);
