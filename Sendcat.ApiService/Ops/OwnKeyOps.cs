using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/self</c>: whose key a request has, for programs that let persons sign in with their keys.</summary>
internal static class OwnKeyOps
{
    public static void MapOwnKey(this RouteGroupBuilder ops) =>
        ops.MapGet("/self", Read).As("ops.self", "Own key: its name and its role");

    private static Ok<OwnKeyView> Read(HttpContext http)
    {
        var caller = http.Features.Get<OpsCaller>()!;
        var role = caller.Role is OpsRole.Operator ? NamedKeys.OperatorRole : NamedKeys.ViewerRole;
        return TypedResults.Ok(new OwnKeyView(caller.Name, role));
    }
}

/// <param name="Name">As the audit shows it; of a configured key, its role.</param>
/// <param name="Role"><c>operator</c> or <c>viewer</c>.</param>
internal sealed record OwnKeyView(string Name, string Role);
