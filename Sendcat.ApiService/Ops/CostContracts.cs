using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary>What the turns cost that ended within the window.</summary>
/// <param name="Usd">US dollars, exact, of all calls with a known price.</param>
/// <param name="Turns">Turns that called a model.</param>
/// <param name="UnpricedTurns">Turns of which the price of a model is unknown: that part of them is in no sum of dollars.</param>
/// <param name="ByModel">The most expensive first. A turn over several models counts for each of them.</param>
/// <param name="BudgetUsdPerPrincipalPerDay">The budget in force; 0: none.</param>
internal sealed record CostView(
    decimal Usd, long Turns, long UnpricedTurns, long PromptTokens, long CompletionTokens, IReadOnlyList<ModelCostView> ByModel,
    double BudgetUsdPerPrincipalPerDay)
{
    private const decimal MicroUsd = 1_000_000;

    public static CostView Of(CostTotals totals, int limit, double budget) => new(
        Dollars(totals.Models.Sum(model => model.MicroUsd)), totals.Turns, totals.UnpricedTurns,
        totals.Models.Sum(model => model.PromptTokens), totals.Models.Sum(model => model.CompletionTokens),
        [
            .. totals.Models.Take(limit).Select(model => new ModelCostView(
                model.Model, Dollars(model.MicroUsd), model.Turns, model.UnpricedTurns, model.Calls, model.PromptTokens,
                model.CompletionTokens)),
        ],
        budget);

    public static decimal Dollars(long microUsd) => microUsd / MicroUsd;
}

/// <param name="Model">The id of the model in the catalogue.</param>
/// <param name="Usd">US dollars, exact, of the turns with a known price.</param>
/// <param name="Calls">Model calls.</param>
internal sealed record ModelCostView(
    string Model, decimal Usd, long Turns, long UnpricedTurns, long Calls, long PromptTokens, long CompletionTokens);

/// <summary>Whether a provider accepts our account, as this replica sees it.</summary>
/// <param name="Suspended"><c>quota</c>: our credit is used up, <c>key</c>: our key is rejected; absent: neither.</param>
/// <param name="Since">When the suspension began; absent without one, or when it is older than seven days.</param>
/// <param name="NextProbeAt">From then on the next call tests the account; absent without a suspension.</param>
internal sealed record AccountView(string Provider, string? Suspended, DateTime? Since, DateTime? NextProbeAt)
{
    public static IReadOnlyList<AccountView> Of(IReadOnlyList<CircuitReading> circuits, IReadOnlyList<SuspensionStart> starts) =>
    [
        .. circuits.Where(circuit => circuit.Suspended is Key or Quota).Select(circuit => new AccountView(
            circuit.Provider, circuit.Suspended,
            starts.FirstOrDefault(start => start.Provider == circuit.Provider && start.Reason == circuit.Suspended)?.At.UtcDateTime,
            circuit.CooldownUntil?.UtcDateTime)),
    ];

    private const string Key = "key";
    private const string Quota = "quota";
}
