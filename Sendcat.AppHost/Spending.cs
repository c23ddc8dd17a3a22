namespace Sendcat.AppHost;

/// <summary>
/// Limits on models and their cost, as parameters. In a local run a value can also come from the environment variable that the API reads.
/// The defaults are those of the API.
/// </summary>
internal static class Spending
{
    public static IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> AddSpending(
        this IDistributedApplicationBuilder builder) =>
    [
        Limit(
            builder, "guest-models", "CHAT_GUEST_MODELS", "configured",
            "Models that guests may use: ids, configured, or * for the catalogue."),
        Limit(builder, "user-models", "CHAT_USER_MODELS", "*", "Models that users may use: ids, configured, or * for the catalogue."),
        Limit(
            builder, "model-max-output-price", "CHAT_MODEL_MAX_OUTPUT_PRICE", "20",
            "Maximum price of a model that * allows, in US dollars per million output tokens."),
        Limit(builder, "max-output-tokens", "CHAT_MAX_OUTPUT_TOKENS", "4096", "Maximum tokens of one answer."),
        Limit(
            builder, "address-tokens-per-day", "CHAT_ADDRESS_TOKENS_PER_DAY", "2000000",
            "Maximum tokens per day and client address; 0: no budget."),
        Limit(builder, "global-tokens-per-day", "CHAT_GLOBAL_TOKENS_PER_DAY", "0", "Maximum tokens of all turns per day; 0: no budget."),
        Limit(
            builder, "budget-usd-per-principal-per-day", "BUDGET_USD_PER_PRINCIPAL_PER_DAY", "0",
            "Maximum US dollars per day and principal; 0: no budget."),
    ];

    private static (string Variable, IResourceBuilder<ParameterResource> Value) Limit(
        IDistributedApplicationBuilder builder, string name, string variable, string @default, string description) =>
        (variable, builder.AddSetting(name, builder.Of(variable, @default), description));
}
