using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Fuzz;

/// <summary>One operation of the API document.</summary>
/// <param name="Id">The operation id.</param>
/// <param name="Method">The HTTP method in upper case.</param>
/// <param name="Path">The path with its parameters in braces.</param>
/// <param name="Query">The names of the query parameters.</param>
/// <param name="Body">The schema of the body; null without a body.</param>
/// <param name="Declared">The declared response statuses.</param>
internal sealed record ApiOperation(
    string Id, string Method, string Path, IReadOnlyList<string> Query, JsonObject? Body, IReadOnlySet<int> Declared)
{
    /// <summary>
    /// How often the operation is chosen. Each turn and each search calls the upstream, and a password hash takes as long as fifty other
    /// requests.
    /// </summary>
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
