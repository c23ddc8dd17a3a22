using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Mail.Tracking;
using Sendcat.Integrations.Parcels;
using Sendcat.Reliability.Database;

namespace Sendcat.Integrations.Orders;

/// <summary>
/// What users do with their drafts and parcels. Each change is one transaction, after those of mails that arrive at the same time. A
/// foreign and a missing draft are the same.
/// </summary>
public sealed class DraftChanges(
    RequestDatabase database, PackageOwners owners, IOptionsMonitor<PreAlertOptions> options, TimeProvider time)
{
    /// <summary>Changes fields. Drafts that have an order number of the draft are folded into it.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public Task<DraftOutcome> UpdateAsync(string userId, Guid draft, DraftEdit edit, CancellationToken cancellationToken) =>
        ChangeAsync(userId, draft, async (rows, found, _) =>
        {
            var content = edit.Apply(found.Content);
            if (content is { Amount: not null, Currency: null } && (edit.TotalAmount is not null || edit.TotalCurrency is not null))
            {
                return DraftOutcome.NeedsCurrency;
            }

            var changed = await rows.UpdateAsync(found, content, CancellationToken.None);
            var same = await rows.FindByOrderAsync(content.OrderNumbers, content.Merchant, CancellationToken.None);
            await rows.FoldAsync(changed, [.. same.Where(other => other.Id != draft)], CancellationToken.None);
            if (same is [{ Status: var status }, ..])
            {
                // What the user confirmed stays confirmed, under the id of the draft that the user changes.
                await rows.SetStatusAsync(changed, status, CancellationToken.None);
            }

            return DraftOutcome.Done;
        }, cancellationToken);

    /// <summary>
    /// Confirms a draft and announces its parcels: pre-alerts are created where there are none, and all that are not rejected are
    /// submitted. Of a confirmed draft it announces what is new. With more pre-alerts than a user may have nothing is changed.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="draft">The draft.</param>
    /// <param name="trackingNumbers">The parcels to announce, normalized; null: all of the draft.</param>
    /// <param name="cancellationToken">Cancels the wait for a connection.</param>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<DraftOutcome> ConfirmAsync(
        string userId, Guid draft, IReadOnlyList<string>? trackingNumbers, CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(userId, draft, async (rows, found, transaction) =>
        {
            var parcels = new ParcelRows(transaction);
            var announced = trackingNumbers ?? await parcels.ParcelsOfAsync(found, CancellationToken.None);
            await rows.SetStatusAsync(found, DraftStatus.Confirmed, CancellationToken.None);
            var (_, refused) = await parcels.AddPreAlertsAsync(found, announced, options.CurrentValue.PerUserMax, CancellationToken.None);
            if (refused > 0)
            {
                return DraftOutcome.TooMany;
            }

            var submitted = await parcels.SubmitAsync(found, trackingNumbers, CancellationToken.None);
            await owners.AnnounceAsync(transaction.Create, submitted, transaction.Now, CancellationToken.None);
            return DraftOutcome.Done;
        }, cancellationToken);
        owners.Signal();
        return outcome;
    }

    /// <summary>Rejects a draft. What was announced stays announced.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public Task<DraftOutcome> RejectAsync(string userId, Guid draft, CancellationToken cancellationToken) =>
        ChangeAsync(userId, draft, async (rows, found, _) =>
        {
            await rows.SetStatusAsync(found, DraftStatus.Rejected, CancellationToken.None);
            return DraftOutcome.Done;
        }, cancellationToken);

    /// <summary>Makes an attachment of the user the invoice of a draft. The former invoice is deleted.</summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public Task<DraftOutcome> SetInvoiceAsync(string userId, Guid draft, Guid attachment, CancellationToken cancellationToken) =>
        ChangeAsync(
            userId, draft,
            async (rows, found, _) =>
                await rows.SetInvoiceAsync(found, attachment, CancellationToken.None) ? DraftOutcome.Done : DraftOutcome.NoSuchFile,
            cancellationToken);

    /// <summary>
    /// Announces a parcel by hand. It is idempotent for each user and tracking number; a draft that is named becomes that of the pre-alert.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="draft">The draft of the parcel; null: none is named.</param>
    /// <param name="trackingNumber">As <see cref="PackageRules.Normalize"/> returns it.</param>
    /// <param name="carrier">Null: the one that the format of the number implies, if it is one alone.</param>
    /// <param name="cancellationToken">Cancels the wait for a connection.</param>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<Announcement> AnnounceAsync(
        string userId, Guid? draft, string trackingNumber, string? carrier, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();
        var open = new OrderTransaction(connection.CreateCommand, userId, now);
        var (rows, parcels) = (new DraftRows(open), new ParcelRows(open));
        if (!await open.LockAsync(CancellationToken.None))
        {
            return new(DraftOutcome.NoAccount, Guid.Empty, false);
        }

        DraftRow? found = null;
        if (draft is { } id && (found = await rows.FindAsync(id, CancellationToken.None)) is null)
        {
            return new(DraftOutcome.NotFound, Guid.Empty, false);
        }

        carrier ??= TrackingFormats.CandidatesOf(trackingNumber).Select(candidate => candidate.Carrier).Distinct().ToArray() is [var only]
            ? only
            : null;
        if (await parcels.AnnounceAsync(
                Guid.CreateVersion7(now), found, trackingNumber, carrier, options.CurrentValue.PerUserMax, CancellationToken.None)
            is not var (preAlert, isNew))
        {
            return new(DraftOutcome.TooMany, Guid.Empty, false);
        }

        if (found is not null)
        {
            await parcels.NameAsync(found, trackingNumber, carrier, CancellationToken.None);
        }

        await owners.AnnounceAsync(connection.CreateCommand, [trackingNumber], now, CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        owners.Signal();
        return new(DraftOutcome.Done, preAlert, isNew);
    }

    /// <summary>
    /// Withdraws the announcement of a parcel, whatever its draft is: nothing but an announcement by hand submits the pre-alert again. A
    /// parcel that the warehouse has received is the user's package, and stays it.
    /// </summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<DraftOutcome> RejectAlertAsync(string userId, Guid preAlert, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();
        var open = new OrderTransaction(connection.CreateCommand, userId, time.GetUtcNow());
        var parcels = new ParcelRows(open);
        if (!await open.LockAsync(CancellationToken.None))
        {
            return DraftOutcome.NoAccount;
        }

        if (await parcels.NumberOfAlertAsync(preAlert, CancellationToken.None) is not { } trackingNumber)
        {
            return DraftOutcome.NotFound;
        }

        // A report of the warehouse comes before or after this, never between the two statements.
        await PackageOwners.LockAsync(connection.CreateCommand, [trackingNumber], CancellationToken.None);
        if (!await parcels.RejectAlertAsync(preAlert, CancellationToken.None))
        {
            return DraftOutcome.Received;
        }

        await transaction.CommitAsync(CancellationToken.None);
        return DraftOutcome.Done;
    }

    private async Task<DraftOutcome> ChangeAsync(
        string userId, Guid draft,
        Func<DraftRows, DraftRow, OrderTransaction, Task<DraftOutcome>> change, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();
        var open = new OrderTransaction(connection.CreateCommand, userId, time.GetUtcNow());
        var rows = new DraftRows(open);
        if (!await open.LockAsync(CancellationToken.None))
        {
            return DraftOutcome.NoAccount;
        }

        if (await rows.FindAsync(draft, CancellationToken.None) is not { } found)
        {
            return DraftOutcome.NotFound;
        }

        var outcome = await change(rows, found, open);
        if (outcome is DraftOutcome.Done)
        {
            await transaction.CommitAsync(CancellationToken.None);
        }

        return outcome;
    }
}

/// <summary>What became of a change.</summary>
public enum DraftOutcome
{
    Done,

    /// <summary>The user has no such draft or pre-alert.</summary>
    NotFound,

    /// <summary>The account was deleted meanwhile.</summary>
    NoAccount,

    /// <summary>The user has no such attachment.</summary>
    NoSuchFile,

    /// <summary>An amount needs its currency.</summary>
    NeedsCurrency,

    /// <summary>The user has as many pre-alerts as a user may have.</summary>
    TooMany,

    /// <summary>The warehouse has received the parcel.</summary>
    Received,
}

/// <param name="Outcome">Whether it was announced.</param>
/// <param name="PreAlert">The id of the pre-alert.</param>
/// <param name="IsNew">False: the user had announced the parcel before.</param>
public sealed record Announcement(DraftOutcome Outcome, Guid PreAlert, bool IsNew);

/// <summary>Fields of a draft that the user changes. Null: unchanged. Empty text and an amount of 0: cleared.</summary>
public sealed record DraftEdit
{
    /// <summary>Not empty.</summary>
    public string? Merchant { get; init; }

    public string? StoreName { get; init; }

    /// <summary>Upper case.</summary>
    public IReadOnlyList<string>? OrderNumbers { get; init; }

    public string? ItemsSummary { get; init; }

    public decimal? TotalAmount { get; init; }

    /// <summary>ISO 4217 code.</summary>
    public string? TotalCurrency { get; init; }

    internal DraftContent Apply(DraftContent content)
    {
        var amount = TotalAmount is { } total ? total == 0 ? null : decimal.Round(total, OrderText.AmountDigits) : content.Amount;
        return content with
        {
            Merchant = Merchant ?? content.Merchant,
            StoreName = Text(StoreName, content.StoreName),
            OrderNumbers = OrderNumbers ?? content.OrderNumbers,
            ItemsSummary = Text(ItemsSummary, content.ItemsSummary),
            Amount = amount,
            Currency = amount is null ? null : TotalCurrency ?? content.Currency,
        };
    }

    private static string? Text(string? edited, string? present) => edited is null ? present : edited.Length == 0 ? null : edited;
}
