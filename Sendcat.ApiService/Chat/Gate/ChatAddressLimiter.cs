using Sendcat.ApiService.Http;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Limits chat requests per client address in this process. It is the cheapest check and runs before a token is validated or a row is read.
/// The window that all replicas share is checked with admission.
/// </summary>
internal sealed class ChatAddressLimiter(LocalAddressLimiter addresses)
{
    /// <returns>The 429 error; null if the request is within the limit.</returns>
    public ApiError? Check(HttpContext http) =>
        addresses.Check(http, RateLimitBucket.ChatIp, ClientAddress.LimitKeysOf(http)) is { } wait
            ? ChatRefusal.Of(RateLimitBucket.ChatIp, wait)
            : null;
}
