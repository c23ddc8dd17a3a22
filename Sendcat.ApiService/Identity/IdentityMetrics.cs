using System.Diagnostics.Metrics;

namespace Sendcat.ApiService.Identity;

/// <summary>Meter <c>Sendcat.Identity</c>.</summary>
internal static class IdentityMetrics
{
    private static readonly Meter Meter = new("Sendcat.Identity");

    private static readonly Counter<long> PasswordHashes = Meter.CreateCounter<long>(
        "sendcat.identity.password_hashes", "{hash}", "Password hashes by outcome: done, refused.");

    public static void PasswordHash(string outcome) => PasswordHashes.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
