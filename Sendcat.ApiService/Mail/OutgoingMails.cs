using System.Text.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ApiService.Mail;

/// <summary>
/// Enqueues mails as jobs of the lane <c>deliveries</c>, each in the transaction of what causes it. The tool worker composes and sends
/// them, and decides whether the address gets one: so a request costs the same with and without an account of the address.
/// </summary>
internal sealed class OutgoingMails(
    RequestDatabase database, ILookupNormalizer normalizer, IOptionsMonitor<DeliveryOptions> options, OutboxPublisher publisher,
    TimeProvider time)
{
    private static readonly string EnterForAddress =
        $"""
        -- enter mail for address
        SELECT reliability.enter_job(@id, @tool, @class, @principal, {WithStampDigest("@args", "@id", "@name")}, @attempts, @trace_parent,
            @trace_state)
        """;

    /// <summary>
    /// Adds <see cref="Delivery.StampDigest"/> to a delivery: an expression for statements. It costs and gives the same for an address
    /// without an account: a digest that no stamp has.
    /// </summary>
    /// <param name="delivery">The parameter with the JSON of the delivery.</param>
    /// <param name="id">The parameter with its id.</param>
    /// <param name="name">The parameter with the normalized address of the account.</param>
    public static string WithStampDigest(string delivery, string id, string name) =>
        $"""
        ({delivery}::jsonb || jsonb_build_object('stampDigest', encode(sha256(convert_to(
            {id}::text || ' ' || coalesce((SELECT security_stamp FROM users WHERE normalized_user_name = {name}), ''), 'UTF8')),
                'hex')))::text
        """;

    /// <summary>A mail that is requested now.</summary>
    /// <param name="kind">What the mail is about.</param>
    /// <param name="address">Where it goes.</param>
    /// <param name="userId">The account that it is about; null: the worker looks for the account of the address, if the kind needs
    /// one.</param>
    public Delivery DeliveryOf(MailKind kind, string address, string? userId)
    {
        var now = PostgresTime.Now(time);
        return new(Guid.CreateVersion7(now), kind, address, now, userId);
    }

    /// <summary>The job that sends the mail, for a statement of the caller.</summary>
    public JobEntry JobOf(Delivery delivery) => new(
        delivery.Id, QueuedWork.Deliveries.Lane, Delivery.PrincipalOf(normalizer.NormalizeEmail(delivery.Address)), JsonOf(delivery),
        options.CurrentValue.MaxAttempts);

    /// <summary>Enqueues a mail in the present transaction of the context. After the commit call <see cref="Signal"/>.</summary>
    /// <inheritdoc cref="DeliveryOf"/>
    public Task EnqueueAsync(SendcatDb db, MailKind kind, string address, string? userId, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlRawAsync(JobEntry.Enter, JobOf(DeliveryOf(kind, address, userId)).Parameters, cancellationToken);

    /// <summary>Enqueues a mail with a link for this account, which nothing else in the database causes.</summary>
    /// <param name="kind">What the mail is about.</param>
    /// <param name="address">Where it goes.</param>
    /// <param name="userId">The account.</param>
    /// <param name="stamp">Its security stamp when the request was permitted.</param>
    /// <param name="cancellationToken">Cancels the wait for a connection.</param>
    public Task EnqueueAsync(MailKind kind, string address, string userId, string stamp, CancellationToken cancellationToken)
    {
        var delivery = DeliveryOf(kind, address, userId);
        var job = JobOf(delivery with { StampDigest = Delivery.DigestOf(delivery.Id, stamp) });
        return EnqueueAsync(JobEntry.Enter, job.Parameters, cancellationToken);
    }

    /// <summary>Enqueues a mail with a link for the account of the address, if any, which nothing else in the database causes.</summary>
    /// <param name="kind">What the mail is about.</param>
    /// <param name="address">Where it goes.</param>
    /// <param name="cancellationToken">Cancels the wait for a connection.</param>
    public Task EnqueueAsync(MailKind kind, string address, CancellationToken cancellationToken)
    {
        var job = JobOf(DeliveryOf(kind, address, null));
        return EnqueueAsync(EnterForAddress, [.. job.Parameters, new("name", normalizer.NormalizeEmail(address))], cancellationToken);
    }

    /// <summary>Lets this process publish the message of the job now. Without it the message is published within a second.</summary>
    public void Signal() => publisher.Signal(QueuedWork.Deliveries.Lane);

    public static string JsonOf(Delivery delivery) => JsonSerializer.Serialize(delivery, DeliveryJson.Default.Delivery);

    private async Task EnqueueAsync(string statement, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(statement);
        command.Parameters.AddRange(parameters.ToArray());
        await command.ExecuteNonQueryAsync(CancellationToken.None);
        Signal();
    }
}
