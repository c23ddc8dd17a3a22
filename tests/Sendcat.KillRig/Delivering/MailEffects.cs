using Npgsql;

namespace Sendcat.KillRig.Delivering;

/// <summary>What became of the mails whose notifications were acknowledged: rows in Postgres.</summary>
/// <param name="Acknowledged">The mails with an acknowledged notification.</param>
/// <param name="Redeliveries">Deliveries of a notification after the first.</param>
/// <param name="Lost">Mails without evidence, without their draft or without their pre-alert.</param>
/// <param name="Repeated">Mails with more than one evidence, draft or pre-alert.</param>
/// <param name="Incomplete">Jobs that read the mailbox and have not completed, with their last error.</param>
/// <param name="Interrupted">Such jobs that were leased more than once: a fault interrupted them, or another sync had the mailbox.</param>
internal sealed record MailEffects(
    int Acknowledged, int Redeliveries, IReadOnlyList<string> Lost, IReadOnlyList<string> Repeated, IReadOnlyList<string> Incomplete,
    long Interrupted)
{
    public static async Task<MailEffects> ReadAsync(
        RepeatedDeliveries<NotifiedMail> notifications, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var rows = new RowCounts(database, cancellationToken);
        var (evidence, drafts) = (await rows.EvidenceAsync("gmail"), await rows.DraftsAsync());
        var preAlerts = await rows.ByKeyAsync("SELECT tracking_number, count(*) FROM pre_alerts GROUP BY 1");
        var (lost, repeated) = (new List<string>(), new List<string>());
        foreach (var mail in notifications.Acknowledged)
        {
            long[] found =
            [
                evidence.GetValueOrDefault(mail.Id), drafts.GetValueOrDefault(mail.Order), preAlerts.GetValueOrDefault(mail.TrackingNumber),
            ];
            var text = $"{mail.Id}, order {mail.Order}: {found[0]} evidence, {found[1]} drafts, {found[2]} pre-alerts";
            if (found.Contains(0))
            {
                lost.Add(text);
            }

            if (found.Any(rowCount => rowCount > 1))
            {
                repeated.Add(text);
            }
        }

        return new(
            notifications.Acknowledged.Count, notifications.Redeliveries, lost, repeated, await rows.IncompleteJobsAsync("mail_sync"),
            await rows.InterruptedJobsAsync("mail_sync"));
    }
}
