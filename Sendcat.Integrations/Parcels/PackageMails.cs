using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Integrations.Parcels;

/// <summary>
/// Enqueues the mails about changes of packages, each in the transaction of its change. Only owners with a confirmed address who have not
/// turned them off get one.
/// </summary>
public sealed class PackageMails(IOptionsMonitor<DeliveryOptions> options, OutboxPublisher publisher)
{
    internal async Task EnqueueAsync(
        Func<string, NpgsqlCommand> command, IReadOnlyList<ChangedPackage> changed, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (changed.Count == 0)
        {
            return;
        }

        var addresses = await AddressesAsync(
            command, [.. changed.Select(package => package.UserId).Distinct(StringComparer.Ordinal)], cancellationToken);
        foreach (var package in changed)
        {
            if (addresses.TryGetValue(package.UserId, out var address))
            {
                var delivery = new Delivery(
                    Guid.CreateVersion7(now), MailKind.PackageStatus, address.Email, now,
                    package.UserId) { Package = new(package.Id, package.Status) };
                var job = new JobEntry(
                    delivery.Id, QueuedWork.Deliveries.Lane, Delivery.PrincipalOf(address.Normalized),
                    JsonSerializer.Serialize(delivery, DeliveryJson.Default.Delivery),
                    options.CurrentValue.MaxAttempts);
                await using var enter = command(JobEntry.Enter);
                enter.Parameters.AddRange(job.Parameters.ToArray());
                await enter.ExecuteNonQueryAsync(cancellationToken);
            }
        }
    }

    /// <summary>Lets this process publish the messages of the jobs now. Without it they are published within a second.</summary>
    internal void Signal() => publisher.Signal(QueuedWork.Deliveries.Lane);

    private static async Task<Dictionary<string, (string Email, string Normalized)>> AddressesAsync(
        Func<string, NpgsqlCommand> command, string[] users, CancellationToken cancellationToken)
    {
        await using var query = command(
            """
            -- find recipients of package mails
            SELECT users.id, users.email, users.normalized_email FROM users LEFT
                JOIN user_preferences preferences ON preferences.user_id = users.id
            WHERE users.id = ANY($1) AND users.email_confirmed AND users.email IS NOT NULL AND users.normalized_email IS NOT NULL
                AND coalesce(preferences.package_status_mails, true)
            """);
        query.Parameters.Add(new() { Value = users });
        await using var reader = await query.ExecuteReaderAsync(cancellationToken);
        var addresses = new Dictionary<string, (string, string)>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            addresses[reader.GetString(0)] = (reader.GetString(1), reader.GetString(2));
        }

        return addresses;
    }
}
