namespace Sendcat.UpstreamEmulator.Resend;

/// <summary>A mail that the emulated Resend accepted.</summary>
/// <param name="Id">The id that the response contained.</param>
/// <param name="IdempotencyKey">The header <c>Idempotency-Key</c> of the request; null without one.</param>
public sealed record ReceivedMail(
    string Id, DateTimeOffset At, string From, IReadOnlyList<string> To, string Subject, string? Html, string? Text,
    string? IdempotencyKey);
