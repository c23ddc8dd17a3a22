using Microsoft.Extensions.Options;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// What a turn may cost, claimed together with its admission and set right when it has ended. Without it every turn of a burst would find the budget as it was before the first of them.
/// </summary>
/// <remarks>
/// The history is being read while admission decides, so its length is unknown. Reserved is therefore what one model call can cost at most: a full history and a full answer. A smaller guess would admit more
/// turns at once than the budget pays for. A turn that makes several calls may go beyond it, and is counted in full at its end.
/// </remarks>
internal sealed class TurnReservation(RateLimiter limiter, ModelPrices prices, RoutePlan plan, IOptionsMonitor<ChatOptions> chat, IOptionsMonitor<ProviderRouteOptions> routes)
{
    /// <summary>The one window of all turns.</summary>
    private const string Everybody = "all";

    /// <param name="addresses">Names that the caller's address is counted under; none: it has no budget.</param>
    /// <param name="model">The model that the request names; a thread's own is not known yet.</param>
    /// <param name="characters">Of the message that came along.</param>
    public IEnumerable<WindowClaim> For(Principal principal, IEnumerable<LimitKey> addresses, string? model, int characters)
    {
        var prompt = (chat.CurrentValue.HistoryMaxChars + characters) / ModelCall.CharactersPerToken;
        var answer = routes.CurrentValue.MaxOutputTokens;
        WindowClaim?[] budgets =
        [
            limiter.Reserve(RateLimitBucket.ChatTokens, new(principal.Key), prompt + answer),
            .. addresses.Select(address => limiter.Reserve(RateLimitBucket.ChatAddressTokens, address, prompt + answer)),
            limiter.Reserve(RateLimitBucket.ChatGlobalTokens, new(Everybody), prompt + answer),
            limiter.IsOff(RateLimitBucket.ChatMoney)
                ? null
                : limiter.Reserve(RateLimitBucket.ChatMoney, new(principal.Key), (long)prices.Of(model ?? plan.For(null)[0].Model).MicroUsd(prompt, answer)),
        ];
        return budgets.OfType<WindowClaim>();
    }
}
