namespace Sendcat.AppHost;

/// <summary>What callers may ask models for, and what that may cost: parameters, or in a local run the variables that the API reads. The defaults are the API's own.</summary>
internal static class Spending
{
    public static IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> AddSpending(this IDistributedApplicationBuilder builder) =>
    [
        Limit(builder, "guest-models", "CHAT_GUEST_MODELS", "configured", "Models that guests may ask: ids, configured, or * for the catalogue."),
        Limit(builder, "user-models", "CHAT_USER_MODELS", "*", "Models that users may ask, alike."),
        Limit(builder, "model-max-output-price", "CHAT_MODEL_MAX_OUTPUT_PRICE", "20", "US dollars per million output tokens up to which * has a model."),
        Limit(builder, "max-output-tokens", "CHAT_MAX_OUTPUT_TOKENS", "4096", "Tokens of one answer."),
        Limit(builder, "address-tokens-per-day", "CHAT_ADDRESS_TOKENS_PER_DAY", "2000000", "Tokens per day and client address; 0: no budget."),
        Limit(builder, "global-tokens-per-day", "CHAT_GLOBAL_TOKENS_PER_DAY", "0", "Tokens of all turns per day; 0: no budget."),
        Limit(builder, "budget-usd-per-principal-per-day", "BUDGET_USD_PER_PRINCIPAL_PER_DAY", "0", "US dollars per day and principal; 0: no budget."),
    ];

    private static (string Variable, IResourceBuilder<ParameterResource> Value) Limit(IDistributedApplicationBuilder builder, string name, string variable, string @default, string description) =>
        (variable, builder.AddSetting(name, builder.ExecutionContext.IsRunMode && builder.Configuration[variable] is { Length: > 0 } given ? given : @default, description));
}
