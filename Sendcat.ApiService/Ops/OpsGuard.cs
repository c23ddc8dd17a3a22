using Sendcat.ApiService.Http;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// Decides who gets onto the operator surface, and counts wrong keys by address. A right key always gets in, also from an address that is over its budget: whoever shares the address could lock the
/// operators out otherwise, and the length of the keys is what protects them from guesses.
/// </summary>
internal sealed class OpsGuard(OpsKeys keys, RateLimiter limiter, RateLimitEvents events, ILogger<OpsGuard> logger)
{
    private const string WrongKey = "wrong_key";

    /// <summary>401 without a right key, 429 after too many wrong ones, 403 for a change with the viewer's.</summary>
    public async ValueTask<ApiError?> RefusalAsync(HttpContext http)
    {
        var presented = OpsKeys.Presented(http.Request.Headers.Authorization);
        return keys.RoleOf(presented) switch
        {
            OpsRole.Operator => null,
            OpsRole.Viewer => Reads(http) ? null : ApiError.Forbidden("This key may only read"),
            _ when presented is not null && await FailAsync(http) is { } wait => ApiError.RateLimited(wait),
            _ => ApiError.Unauthorized("The operator key is missing or wrong"),
        };
    }

    /// <summary>For a page that anyone may open and that shows more to who holds a key. Access tokens of users, which their apps send everywhere, are no wrong keys there.</summary>
    public async ValueTask<OpsRole> RoleAsync(HttpContext http)
    {
        var presented = OpsKeys.Presented(http.Request.Headers.Authorization);
        var role = keys.RoleOf(presented);
        if (role is OpsRole.None && presented is not null && !IsAccessToken(presented))
        {
            await FailAsync(http);
        }

        return role;
    }

    /// <returns>How long to wait, when the address is over its budget.</returns>
    private async ValueTask<TimeSpan?> FailAsync(HttpContext http)
    {
        var (address, route, method) = (ClientAddress.KeyOf(http), RouteTemplate.Of(http), http.Request.Method);
        var decision = await limiter.CheckAsync(RateLimitBucket.OpsKey, address, http.RequestAborted, route, method);
        if (!decision.Allowed)
        {
            // The limiter has left its event. No line in the log: a flood of keys must not become one of lines.
            return decision.RetryAfter;
        }

        var bucket = RateLimitBucket.OpsKey.Name();
        events.Record(new(RateLimitSource.Http, bucket, $"{bucket}:{address}", RateLimitOutcome.Blocked, WrongKey) { Path = route, Method = method });
        logger.WrongOperatorKey(address, method, route);
        return null;
    }

    private static bool Reads(HttpContext http) => HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);

    /// <summary>By its shape: three parts with dots between them.</summary>
    private static bool IsAccessToken(string presented) => presented.AsSpan().Count('.') == 2;
}
