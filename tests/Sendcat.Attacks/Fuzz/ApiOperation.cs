using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Fuzz;

/// <summary>One operation of the API document.</summary>
/// <param name="Path">With its parameters in braces.</param>
/// <param name="Body">Schema of the body; null for none.</param>
/// <param name="Declared">Statuses that it may answer.</param>
internal sealed record ApiOperation(string Id, string Method, string Path, IReadOnlyList<string> Query, JsonObject? Body, IReadOnlySet<int> Declared)
{
    /// <summary>How often it is chosen. Each turn and each search goes to the upstream, and a password hash takes the time of fifty other requests.</summary>
    public int Weight => Id switch
    {
        "auth.login" or "auth.register" or "auth.resetPassword" => 1,
        "startChat" => 4,
        _ when Path.Contains("explore", StringComparison.Ordinal) || Path.Contains("items", StringComparison.Ordinal) => 4,
        _ => 12,
    };

    public bool IsOps => Path.StartsWith("/api/ops", StringComparison.Ordinal);

    public override string ToString() => $"{Method} {Path}";
}
