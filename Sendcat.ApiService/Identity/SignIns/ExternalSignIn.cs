namespace Sendcat.ApiService.Identity.SignIns;

/// <summary>An account of another provider that signs a user in. A user has at most one of each provider.</summary>
internal sealed class ExternalSignIn
{
    public const string Google = "google";

    public required string Provider { get; init; }

    /// <summary>The key of the account at the provider. It never changes, unlike the address.</summary>
    public required string Subject { get; init; }

    public required string UserId { get; init; }

    /// <summary>The address of the account when it was linked, for display. Nothing is decided by it.</summary>
    public required string Email { get; init; }

    public DateTimeOffset LinkedAt { get; init; }
}
