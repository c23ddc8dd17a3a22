using Sendcat.ApiService.Http;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// Authorizes requests to the operator surface, and counts wrong keys per address. A correct key is always accepted, also from an address
/// over its budget: otherwise another user of the address could lock the operators out. The length of the keys protects them from guesses.
/// </summary>
internal sealed class OpsGuard(OpsKeys keys, NamedKeys named, RateLimiter limiter, RateLimitEvents events, ILogger<OpsGuard> logger)
{
    private const string WrongKey = "wrong_key";

    /// <returns>
    /// Null for an authorized request; else 401 without a correct key, 429 after too many wrong ones, 403 for a change with a viewer key,
    /// 400 for a change without a reason.
    /// </returns>
    public async ValueTask<ApiError?> RefusalAsync(HttpContext http)
    {
        var presented = OpsKeys.Presented(http.Request.Headers.Authorization);
        var caller = await CallerAsync(presented, http.RequestAborted);
        http.Features.Set(caller);
        return caller.Role switch
        {
            OpsRole.Operator => OpsReason.TryRead(http, out _) ? null : ApiError.InvalidRequest(
                $"A change needs its reason in the header {OpsReason.Header}: {OpsReason.Shortest} to {OpsReason.Longest} characters"),
            OpsRole.Viewer => IsRead(http) ? null : ApiError.Forbidden("This key may only read"),
            _ when presented is not null && await CountWrongKeyAsync(http) is { } wait =>
                ApiError.RateLimited(wait, RateLimitBucket.OpsKey.Name(), "Too many wrong keys"),
            _ => ApiError.Unauthorized("The operator key is missing or wrong"),
        };
    }

    /// <summary>
    /// The role of the caller on a page outside of the operator surface. A wrong key is counted. An access token of a user is not counted
    /// as a wrong key, because apps send it with every request.
    /// </summary>
    public async ValueTask<OpsRole> RoleAsync(HttpContext http)
    {
        var presented = OpsKeys.Presented(http.Request.Headers.Authorization);
        if (presented is not null && IsAccessToken(presented))
        {
            return OpsRole.None;
        }

        var caller = await CallerAsync(presented, http.RequestAborted);
        if (caller.Role is OpsRole.None && presented is not null)
        {
            await CountWrongKeyAsync(http);
        }

        return caller.Role;
    }

    /// <summary>The configured keys need no store, so they are valid whatever is unavailable.</summary>
    private async ValueTask<OpsCaller> CallerAsync(string? presented, CancellationToken cancellationToken) => keys.RoleOf(presented) switch
    {
        OpsRole.Operator => new(OpsRole.Operator, NamedKeys.OperatorRole),
        OpsRole.Viewer => new(OpsRole.Viewer, NamedKeys.ViewerRole),
        _ => presented is null ? OpsCaller.Nobody : await named.FindAsync(presented, cancellationToken) ?? OpsCaller.Nobody,
    };

    /// <returns>The time to wait when the address is over its budget, else null.</returns>
    private async ValueTask<TimeSpan?> CountWrongKeyAsync(HttpContext http)
    {
        var (address, route, method) = (ClientAddress.KeyOf(http), RouteTemplate.Of(http), http.Request.Method);
        var decision = await limiter.CheckAsync(RateLimitBucket.OpsKey, address, http.RequestAborted, route, method);
        if (!decision.Allowed)
        {
            // The limiter has recorded its event. Nothing is logged, so that a flood of wrong keys does not flood the log.
            return decision.RetryAfter;
        }

        var bucket = RateLimitBucket.OpsKey.Name();
        events.Record(
            new(RateLimitSource.Http, bucket, $"{bucket}:{address}", RateLimitOutcome.Blocked, WrongKey) { Path = route, Method = method });
        logger.WrongOperatorKey(address, method, route);
        return null;
    }

    private static bool IsRead(HttpContext http) => HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);

    /// <summary>True for the shape of a JWT: three parts separated by dots.</summary>
    private static bool IsAccessToken(string presented) => presented.AsSpan().Count('.') == 2;
}
