using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>
/// The budget of money of each principal (<c>BUDGET_USD_PER_PRINCIPAL_PER_DAY</c>). Before each model call of a turn its highest cost is
/// reserved, so that the budget is not exceeded: with the admission of the turn, and for later or more expensive calls by an extension.
/// </summary>
internal sealed class MoneyBudget(RateLimiter limiter, ModelPrices prices, RoutePlan plan)
{
    /// <summary>The catalogue is fetched again within this time.</summary>
    private static readonly TimeSpan PriceRetryAfter = TimeSpan.FromMinutes(1);

    public bool IsOn => !limiter.IsOff(RateLimitBucket.ChatMoney);

    /// <summary>Refuses a model without a known price while the budget is on.</summary>
    /// <param name="model">Null: the operator's default model.</param>
    /// <returns>403 for a model that the caller chose, 503 for the operator's; null: the model may be used.</returns>
    public ApiError? Check(string? model) =>
        !IsOn || prices.Of(plan.For(model)[0].Model) is not null ? null
        : model is not null ? ApiError.Forbidden("The price of this model is unknown") with { Reason = RefusalReason.PriceUnknown }
        : ApiError.UpstreamUnavailable(PriceRetryAfter, RefusalReason.PriceUnknown, "The price of the model is unknown");

    /// <summary>The highest cost of a call, in millionths of a US dollar; null: unknown.</summary>
    /// <param name="model">Null: the operator's default model.</param>
    /// <param name="promptTokens">See <see cref="PromptSize"/>.</param>
    /// <param name="heldRoute">See <see cref="ProviderRequest.HeldRoute"/>.</param>
    public long? Highest(string? model, long promptTokens, string? heldRoute = null) =>
        prices.Highest(plan.For(model, heldRoute, pricedOnly: true), promptTokens);

    /// <summary>Reserves the highest cost of the next model call of a turn, unless the turn has no budget of money.</summary>
    /// <param name="spent">The cost of the earlier calls of the turn, in millionths of a US dollar; null: unknown.</param>
    /// <returns>Null: the call may be made.</returns>
    public async ValueTask<ReservationRefusal?> CoverAsync(
        AdmissionTicket ticket, string? model, string? heldRoute, IReadOnlyList<ProviderMessage> messages,
        IReadOnlyList<ToolDeclaration> tools, long? spent = 0) =>
        !ticket.HasMoneyBudget ? null
        : spent + Highest(model, PromptSize.Tokens(messages, tools), heldRoute) is not { } highest
            ? new(RefusalReason.PriceUnknown, PriceRetryAfter)
        : await ticket.ReserveMoneyAsync(highest);
}

/// <summary>A turn cannot pay for its next model call.</summary>
internal sealed class TurnRefusedException(ReservationRefusal refusal) : Exception(refusal.Reason)
{
    public ReservationRefusal Refusal => refusal;
}
