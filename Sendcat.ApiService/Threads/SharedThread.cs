namespace Sendcat.ApiService.Threads;

/// <summary>A share link. Until it is revoked, anyone who knows the token may copy the thread.</summary>
internal sealed class SharedThread
{
    public required Guid Id { get; init; }

    public required Guid ThreadId { get; init; }

    public required string ShareToken { get; init; }

    public string? CreatedByUserId { get; init; }

    public string? CreatedBySessionId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public bool IsRevoked { get; set; }
}
