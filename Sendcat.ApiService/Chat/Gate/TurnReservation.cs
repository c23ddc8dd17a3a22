using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The maximum tokens and money of a turn, claimed together with its admission and corrected to the actual amount when the turn has ended.
/// Without the reservation, every turn of a burst would be checked against the budget as it was before the first of them.
/// </summary>
/// <remarks>
/// Admission runs while the history is being read, so the length of the history is unknown. The reservation is therefore the maximum of one
/// model call: a full history and a full answer. A smaller estimate would admit more turns at once than the budget covers. A turn with
/// several model calls may exceed its reservation of tokens; at its end the full amount is counted. Its reservation of money is extended
/// before each call that it does not cover (<see cref="MoneyBudget"/>).
/// </remarks>
internal sealed class TurnReservation(
    RateLimiter limiter, MoneyBudget money, ToolBox tools, IOptionsMonitor<ChatOptions> chat, IOptionsMonitor<ProviderRouteOptions> routes)
{
    /// <summary>Key of the window that all turns share.</summary>
    private const string GlobalKey = "all";

    /// <summary>The claims of a turn on the budgets of tokens and money.</summary>
    /// <param name="addresses">Limit keys of the client's address; empty: no budget per address applies.</param>
    /// <param name="model">The model that the request names; the thread's own model is not known yet.</param>
    /// <param name="characters">Characters of the user's message in the request; 0 if there is none.</param>
    public IEnumerable<WindowClaim> For(Principal principal, IEnumerable<LimitKey> addresses, string? model, int characters)
    {
        var prompt = (chat.CurrentValue.HistoryMaxChars + characters) / ModelCall.CharactersPerToken;
        var answer = routes.CurrentValue.MaxOutputTokens;
        WindowClaim?[] budgets =
        [
            limiter.Reserve(RateLimitBucket.ChatTokens, new(principal.Key), prompt + answer),
            .. addresses.Select(address => limiter.Reserve(RateLimitBucket.ChatAddressTokens, address, prompt + answer)),
            limiter.Reserve(RateLimitBucket.ChatGlobalTokens, new(GlobalKey), prompt + answer),
            money.IsOn ? Money(principal, model, characters) : null,
        ];
        return budgets.OfType<WindowClaim>();
    }

    /// <summary>
    /// A model without a price is refused before or after this claim: if the thread has one of its own, that one decides, and pays.
    /// </summary>
    private WindowClaim? Money(Principal principal, string? model, int characters)
    {
        var offered = tools.Offered(webSearch: true);
        return limiter.Reserve(
            RateLimitBucket.ChatMoney, new(principal.Key),
            money.Highest(model, PromptSize.Tokens((long)chat.CurrentValue.HistoryMaxChars + characters, offered)) ?? 1,
            money.Highest(model, PromptSize.Tokens(characters, offered)) ?? 1);
    }
}
