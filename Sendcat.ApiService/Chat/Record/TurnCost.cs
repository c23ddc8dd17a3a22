namespace Sendcat.ApiService.Chat.Record;

/// <summary>The tokens of one or several model calls of a turn with one model, and their cost.</summary>
/// <param name="Model">The id of the model in the catalogue.</param>
/// <param name="Calls">Model calls.</param>
/// <param name="PromptTokens">The provider's count, or a quarter of the characters without one.</param>
/// <param name="CompletionTokens">As <paramref name="PromptTokens"/>, reasoning included.</param>
/// <param name="MicroUsd">Millionths of a US dollar; null: the price of the model is unknown, for at least one of the calls.</param>
internal sealed record ModelCost(string Model, int Calls, long PromptTokens, long CompletionTokens, long? MicroUsd)
{
    /// <summary>The sum of costs of the same model.</summary>
    public static ModelCost Sum(string model, IEnumerable<ModelCost> costs) => costs.Aggregate(
        new ModelCost(model, 0, 0, 0, 0),
        static (sum, next) => new(
            sum.Model, sum.Calls + next.Calls, sum.PromptTokens + next.PromptTokens, sum.CompletionTokens + next.CompletionTokens,
            sum.MicroUsd + next.MicroUsd));
}

/// <summary>What a turn cost.</summary>
/// <param name="Models">Each model that was called, the first one first.</param>
internal sealed record TurnCost(IReadOnlyList<ModelCost> Models)
{
    public long PromptTokens => Models.Sum(model => model.PromptTokens);

    public long CompletionTokens => Models.Sum(model => model.CompletionTokens);

    /// <summary>Millionths of a US dollar; null: that of at least one model is unknown.</summary>
    public long? MicroUsd => Models.Any(model => model.MicroUsd is null) ? null : Models.Sum(model => model.MicroUsd);

    /// <param name="calls">The calls in their order.</param>
    public static TurnCost Of(IEnumerable<ModelCost> calls) =>
        new([.. calls.GroupBy(call => call.Model, StringComparer.Ordinal).Select(model => ModelCost.Sum(model.Key, model))]);
}

/// <summary>A row of the ledger of costs.</summary>
/// <param name="Number">Number of the model within the turn, from 0.</param>
internal sealed record TurnCostRow(
    DateTimeOffset EndedAt, Guid StreamId, short Number, string Caller, string? Address, ModelCost Cost);
