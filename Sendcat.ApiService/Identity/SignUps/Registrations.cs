using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Identity.SignUps;

/// <summary>
/// Creates accounts. A free and a taken address cost the same: one hash and one statement that writes, enqueues a mail and commits. What
/// differs (whether and which mail is sent) is decided by the worker.
/// </summary>
internal sealed class Registrations(
    RequestDatabase database, PasswordHashes passwords, ILookupNormalizer normalizer, AddressDigests digests, OutgoingMails mails,
    IOptionsMonitor<AccountOptions> options, TimeProvider time)
{
    private static readonly string Register = $"""
        -- register account
        WITH made AS (
          INSERT INTO users (id, user_name, normalized_user_name, email, normalized_email, email_confirmed, password_hash, security_stamp,
            concurrency_stamp, phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count, created_at)
          VALUES ($1, $2, $3, $2, $3, $4, $5, $6, $7, FALSE, FALSE, TRUE, 0, $8)
          ON CONFLICT (normalized_user_name) DO NOTHING
          RETURNING id),
        profiled AS (
          INSERT INTO profiles (id, session_id, user_id, full_name, email, created_at) SELECT $9, $10, id, $11, $2, $8 FROM made),
        mailed AS (
          INSERT INTO registration_mails AS m (address, mailed_at, asked_at) VALUES ($12, $8, $8)
          ON CONFLICT (address) DO UPDATE SET asked_at = excluded.asked_at,
            mailed_at = CASE WHEN m.mailed_at <= $13 THEN excluded.mailed_at ELSE m.mailed_at END
          RETURNING mailed_at = $8 AS due)
        SELECT reliability.enter_job(
            $14, $15, $16, $17, CASE WHEN NOT due THEN $18 WHEN EXISTS (SELECT 1 FROM made) THEN $19
            ELSE {OutgoingMails.WithStampDigest("$20", "$14", "$3")} END, $21, $22, $23)
        FROM mailed
        """;

    /// <summary>
    /// Creates the user and the profile, and sends a link that confirms the address, at most once a day. The account of a taken address is
    /// not changed, and the response is the same.
    /// </summary>
    /// <returns>Null when the registration was accepted, else the error.</returns>
    public async Task<ApiError?> RegisterAsync(Registration registration, CancellationToken cancellationToken)
    {
        var email = registration.Email!;
        if (!(await passwords.HashAsync(registration.Password!, cancellationToken)).TryGet(out var hash, out var busy))
        {
            return busy;
        }

        // Truncated to microseconds, as Postgres stores it: the statement compares the stored value with $8.
        var now = Database.PostgresTime.Now(time);
        var id = Guid.CreateVersion7(now).ToString("D");
        var stamp = Guid.NewGuid().ToString("N");
        var none = mails.DeliveryOf(MailKind.None, email, null);
        var job = mails.JobOf(none);
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Register);
        object[] values =
        [
            id, email, normalizer.NormalizeEmail(email)!, options.CurrentValue.Confirms(email), hash, stamp, Guid.NewGuid().ToString("D"),
            now, Guid.CreateVersion7(now), Profile.RowOf(id),
            string.IsNullOrWhiteSpace(registration.Name) ? email[..email.IndexOf('@', StringComparison.Ordinal)] : registration.Name.Trim(),
            digests.OfMail(email), now - RegistrationMails.Interval,
            job.Id, job.Lane.Tool, job.Lane.Qos.Name, job.Principal, job.Arguments,
            OutgoingMails.JsonOf(none with { Kind = MailKind.Welcome, UserId = id, StampDigest = Delivery.DigestOf(none.Id, stamp) }),
            OutgoingMails.JsonOf(none with { Kind = MailKind.UnfinishedRegistration }), job.MaxAttempts,
            (object?)job.Trace.Parent ?? DBNull.Value, (object?)job.Trace.State ?? DBNull.Value,
        ];
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await command.ExecuteNonQueryAsync(CancellationToken.None);
        mails.Signal();
        return null;
    }
}
