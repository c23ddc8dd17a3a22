using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Sendcat.Integrations.Mail;

/// <summary>What became of a mail, as far as it concerns the next one to the same address.</summary>
public enum MailOutcome
{
    /// <summary>The address accepts mails.</summary>
    Delivered,

    /// <summary>The address does not exist, or refuses every mail.</summary>
    Bounced,

    /// <summary>Its owner reported the mail as spam.</summary>
    Complained,
}

/// <summary>
/// The addresses that do not get mails, and those whose last mail was delivered: a bounce that is reported late must not undo a newer
/// delivery. They are stored as digests.
/// </summary>
public sealed class UndeliverableAddresses(NpgsqlDataSource database)
{
    /// <summary>After this time an address is tried again: it may have been repaired.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    /// <summary>How late a report about an earlier mail may come. Resend delivers a report for about ten hours.</summary>
    public static readonly TimeSpan RetentionOfDeliveries = TimeSpan.FromDays(3);

    /// <summary>The stored form of an address.</summary>
    public static string DigestOf(string address) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(address.Trim().Normalize().ToUpperInvariant())));

    /// <summary>Why an address gets no mails.</summary>
    /// <returns>Null: it may get them.</returns>
    public async Task<MailOutcome?> FindAsync(string address, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find undeliverable address
            SELECT complained FROM undeliverable_addresses WHERE digest = $1 AND reported_at > $2 AND (complained OR NOT delivered)
            """);
        command.Parameters.Add(new() { Value = DigestOf(address) });
        command.Parameters.Add(new() { Value = now - Retention });
        return await command.ExecuteScalarAsync(cancellationToken) is bool complained
            ? complained
            ? MailOutcome.Complained
            : MailOutcome.Bounced
            : null;
    }

    /// <summary>
    /// Stores what was reported about addresses. Reports come out of order: the newest event counts, and a complaint stays whatever is
    /// delivered after it.
    /// </summary>
    /// <param name="command">Creates a command in the transaction of the report.</param>
    /// <param name="addresses">The addresses of the mail.</param>
    /// <param name="outcome">What became of it.</param>
    /// <param name="at">When it happened.</param>
    public static async Task StoreAsync(
        Func<string, NpgsqlCommand> command, IReadOnlyList<string> addresses, MailOutcome outcome, DateTimeOffset at)
    {
        await using var store = command(
            """
            -- store undeliverable addresses
            INSERT INTO undeliverable_addresses AS known (digest, reported_at, complained, delivered)
            SELECT digest, $2, $3, $4 FROM unnest($1) digest
            ON CONFLICT (digest) DO UPDATE SET
                delivered = CASE
                    WHEN excluded.reported_at > known.reported_at THEN excluded.delivered
                    WHEN excluded.reported_at = known.reported_at THEN known.delivered OR excluded.delivered
                    ELSE known.delivered END,
                reported_at = greatest(known.reported_at, excluded.reported_at),
                complained = known.complained OR excluded.complained
                WHERE NOT (known.complained AND excluded.delivered)
            """);
        store.Parameters.Add(new() { Value = addresses.Select(DigestOf).Distinct().Order(StringComparer.Ordinal).ToArray() });
        store.Parameters.Add(new() { Value = at.ToUniversalTime() });
        store.Parameters.Add(new() { Value = outcome is MailOutcome.Complained });
        store.Parameters.Add(new() { Value = outcome is MailOutcome.Delivered });
        await store.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
