using System.Globalization;
using Npgsql;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.WhatsApp;

namespace Sendcat.ToolWorker.Schedule;

/// <summary>Deletes rows of accounts, sign-ins and messages by their age, in batches, so that no statement holds many locks.</summary>
internal sealed class ExpiredRows(NpgsqlDataSource database, TimeProvider time)
{
    private const int BatchSize = 5_000;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private static readonly AgedRows[] OfIdentities =
    [
        new("registration_mails", "asked_at < $1 AND mailed_at < $1", RegistrationMails.Interval),
        new("sign_in_addresses", "last_used_at < $1", TimeSpan.FromDays(180)),
        new("undeliverable_addresses", "reported_at < $1", UndeliverableAddresses.Retention),
        new(
            "undeliverable_addresses", "reported_at < $1 AND delivered AND NOT complained", UndeliverableAddresses.RetentionOfDeliveries),
    ];

    private static readonly AgedRows[] OfMessages =
    [
        new("whatsapp_linking_codes", "expires_at <= $1", TimeSpan.Zero),
        new("whatsapp_replies", "created_at <= $1", TimeSpan.FromDays(30)),
        new("whatsapp_statuses", "updated_at <= $1", TimeSpan.FromDays(30)),
        new("whatsapp_number_changes", "changed_at <= $1", WhatsAppScopes.Message.Lifetime),
    ];

    /// <summary>The jobs, for the schedule.</summary>
    public static IEnumerable<Func<IServiceProvider, ScheduledJob>> Jobs =>
    [
        provider => new(
            "cleanup-identity",
            "Deletes registrations after a day, delivered addresses after three days, undeliverable ones after 30 and unused sign-in "
                + "addresses after 180.",
            Interval, (_, token) => provider.GetRequiredService<ExpiredRows>().DeleteOfIdentitiesAsync(token)),
        provider => new(
            "cleanup-whatsapp",
            "Deletes expired linking codes, changes of numbers after seven days, and replies and states of messages after 30.",
            Interval, (_, token) => provider.GetRequiredService<ExpiredRows>().DeleteOfMessagesAsync(token)),
    ];

    internal Task<ScheduledResult> DeleteOfIdentitiesAsync(CancellationToken cancellationToken) => DeleteAsync(OfIdentities, cancellationToken);

    internal Task<ScheduledResult> DeleteOfMessagesAsync(CancellationToken cancellationToken) => DeleteAsync(OfMessages, cancellationToken);

    private async Task<ScheduledResult> DeleteAsync(AgedRows[] kinds, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var all = 0;
        foreach (var rows in kinds)
        {
            int deleted;
            do
            {
                // A row that is written meanwhile has another ctid, and stays.
                await using var command = database.CreateCommand(
                    $"""
                    -- delete expired rows
                    DELETE FROM {rows.Table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {rows.Table} WHERE {rows.Condition} LIMIT $2))
                    """);
                command.Parameters.Add(new() { Value = now - rows.Age });
                command.Parameters.Add(new() { Value = BatchSize });
                deleted = await command.ExecuteNonQueryAsync(cancellationToken);
                all += deleted;
            }
            while (deleted >= BatchSize);
        }

        return new(string.Create(CultureInfo.InvariantCulture, $"{all} deleted"), all > 0);
    }

    /// <param name="Table">The table.</param>
    /// <param name="Condition">Which rows are expired; $1 is the time <paramref name="Age"/> ago.</param>
    /// <param name="Age">How long rows are kept.</param>
    private sealed record AgedRows(string Table, string Condition, TimeSpan Age);
}
