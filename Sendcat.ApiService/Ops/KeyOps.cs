using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/keys</c>: the keys by name of operators and viewers.</summary>
internal static class KeyOps
{
    private const int MaxRevoked = 100;

    public static void MapKeys(this RouteGroupBuilder ops)
    {
        ops.MapGet("/keys", ListAsync).As("ops.listKeys",
            "Keys by name: who made each, and when it was revoked; the keys themselves are not stored");
        ops.MapPost("/keys", MakeAsync).Takes<NewOpsKey>().As("ops.makeKey",
            "Make a key for an operator or a viewer; only this response shows it", 409, 413, 415);
        ops.MapDelete("/keys/{name}", RevokeAsync).As("ops.revokeKey", "Revoke a key on all replicas, within two seconds", 404);
    }

    private static async Task<Ok<OpsKeyList>> ListAsync(OperatorKeys keys, CancellationToken cancellationToken)
    {
        var valid = await keys.ValidAsync(cancellationToken);
        var revoked = await keys.RevokedAsync(MaxRevoked, cancellationToken);
        return TypedResults.Ok(new OpsKeyList([.. valid.Select(OpsKeyView.Of)], [.. revoked.Select(OpsKeyView.Of)]));
    }

    private static async Task<Results<Created<OpsKeyMade>, ApiError>> MakeAsync(
        HttpContext http, OperatorKeys keys, NamedKeys named, ILogger<NamedKeys> logger, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.NewOpsKey, cancellationToken);
        if (!body.TryGet(out var wanted, out var refusal))
        {
            return refusal;
        }

        var key = NamedKeys.New();
        if (await keys.MakeAsync(wanted.Name, wanted.Role, NamedKeys.HashOf(key), OpsEndpoints.By(http), cancellationToken) is not { } made)
        {
            return ApiError.Conflict($"A valid key has this name, or there are already {OperatorKeys.MaxValid} valid keys");
        }

        logger.OperatorKeyMade(made.Role, made.Name, made.MadeBy);
        await named.ChangedAsync(cancellationToken);
        return TypedResults.Created((string?)null, new OpsKeyMade(made.Name, made.Role, key, made.MadeBy, made.MadeAt.UtcDateTime));
    }

    private static async Task<Results<Ok<OpsKeyView>, ApiError>> RevokeAsync(
        HttpContext http, string name, OperatorKeys keys, NamedKeys named, ILogger<NamedKeys> logger, CancellationToken cancellationToken)
    {
        if (!NewOpsKey.IsName(name) || await keys.RevokeAsync(name, OpsEndpoints.By(http), cancellationToken) is not { } revoked)
        {
            return ApiError.NotFound("No valid key has this name");
        }

        logger.OperatorKeyRevoked(revoked.Role, revoked.Name, revoked.RevokedBy!);
        await named.ChangedAsync(cancellationToken);
        return TypedResults.Ok(OpsKeyView.Of(revoked));
    }
}

/// <param name="Name">Of the person or program that gets the key: 1–40 of <c>a-z 0-9 . _ -</c>.</param>
/// <param name="Role"><c>operator</c> or <c>viewer</c>.</param>
internal sealed partial record NewOpsKey(string Name, string Role) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (!IsName(Name))
        {
            yield return "name must have 1 to 40 of a-z, 0-9, '.', '_' and '-', begin with a letter or digit, and not be operator or viewer";
        }

        if (Role is not (NamedKeys.OperatorRole or NamedKeys.ViewerRole))
        {
            yield return "role must be operator or viewer";
        }
    }

    /// <summary>The names of the roles would look like the configured keys in the audit.</summary>
    public static bool IsName(string? name) =>
        name is not null && name is not (NamedKeys.OperatorRole or NamedKeys.ViewerRole) && NamePattern().IsMatch(name);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,39}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex NamePattern();
}

/// <param name="Key">Send it as <c>Authorization: Bearer …</c>. It is not stored and cannot be shown again.</param>
internal sealed record OpsKeyMade(string Name, string Role, string Key, string MadeBy, DateTime MadeAt);

/// <param name="Items">The valid keys, by name. Those of <c>OPS_API_KEY</c> and <c>OPS_VIEWER_KEY</c> are not among them.</param>
/// <param name="Revoked">The last 100 revoked keys, the newest first.</param>
internal sealed record OpsKeyList(IReadOnlyList<OpsKeyView> Items, IReadOnlyList<OpsKeyView> Revoked);

/// <param name="RevokedAt">Absent for a valid key.</param>
internal sealed record OpsKeyView(string Name, string Role, string MadeBy, DateTime MadeAt, DateTime? RevokedAt, string? RevokedBy)
{
    public static OpsKeyView Of(OperatorKeyRow row) =>
        new(row.Name, row.Role, row.MadeBy, row.MadeAt.UtcDateTime, row.RevokedAt?.UtcDateTime, row.RevokedBy);
}
