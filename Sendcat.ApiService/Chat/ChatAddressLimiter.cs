using Sendcat.ApiService.Http;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The cheapest check, before a token is validated or a row is read: requests per client address in this process. The shared window over all replicas is decided with admission.
/// </summary>
internal sealed class ChatAddressLimiter(AddressWindows addresses)
{
    public ApiError? Refuses(HttpContext http) =>
        addresses.Refuses(http, RateLimitBucket.ChatIp, ClientAddress.LimitsOf(http)) is { } wait ? ApiError.RateLimited(wait) : null;
}
