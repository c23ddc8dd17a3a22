using Npgsql;

namespace Sendcat.Integrations.Orders;

/// <summary>What a user wants to be done without being asked.</summary>
public sealed record UserPreferences
{
    /// <summary>Of a user who never chose.</summary>
    public static readonly UserPreferences Default = new();

    /// <summary>Parcels of authenticated mails, and of the user's own messages, become pre-alerts.</summary>
    public bool AutoCreatePreAlerts { get; init; }

    /// <summary>The connected mailbox is read.</summary>
    public bool GmailSyncEnabled { get; init; } = true;

    /// <summary>Messages of the linked phone are read.</summary>
    public bool WhatsappSyncEnabled { get; init; } = true;

    /// <summary>A mail is sent when the status of a package changes.</summary>
    public bool PackageStatusMails { get; init; } = true;
}

/// <summary>Reads <see cref="UserPreferences"/>, for the API and the worker.</summary>
public sealed class PreferenceReader(NpgsqlDataSource database)
{
    /// <summary>The statement of <see cref="ReadAsync(NpgsqlCommand, CancellationToken)"/>; $1 is the user.</summary>
    public const string Read = """
        -- read preferences
        SELECT auto_create_pre_alerts, gmail_sync_enabled, whatsapp_sync_enabled, package_status_mails FROM user_preferences
            WHERE user_id = $1
        """;

    /// <summary>The preferences of a user; the defaults for one who never chose.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<UserPreferences> ReadAsync(string userId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Read);
        command.Parameters.Add(new() { Value = userId });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>The same for a connection of the caller.</summary>
    /// <param name="command">The statement <see cref="Read"/> with its parameter.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public static async Task<UserPreferences> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new()
            {
                AutoCreatePreAlerts = reader.GetBoolean(0),
                GmailSyncEnabled = reader.GetBoolean(1),
                WhatsappSyncEnabled = reader.GetBoolean(2),
                PackageStatusMails = reader.GetBoolean(3),
            }
            : UserPreferences.Default;
    }
}
