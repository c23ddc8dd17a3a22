namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// An account that its user has deleted and whose content is not completely deleted yet. The row of the user is left without address and
/// password until then, and takes this row along.
/// </summary>
internal sealed class AccountDeletion
{
    public required string UserId { get; init; }

    /// <summary>The address that the account had: it gets a mail at the end.</summary>
    public required string Address { get; init; }

    public required string NormalizedAddress { get; init; }

    /// <summary>By the clock of Postgres.</summary>
    public DateTimeOffset RequestedAt { get; init; }

    /// <summary>Until then a replica works on the deletion, by the clock of Postgres.</summary>
    public DateTimeOffset TakenUntil { get; init; }
}
