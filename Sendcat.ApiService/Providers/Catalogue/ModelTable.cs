using System.Collections.Frozen;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>The built-in table of models by exact id.</summary>
internal static class ModelTable
{
    private static readonly ModelCapability Standard = new(NativeTools: true, Reasoning: false);
    private static readonly ModelCapability Seeing = Standard with { Vision = true };
    private static readonly ModelCapability Reading = Seeing with { Files = true };
    private static readonly ModelCapability ReasoningModel = new(NativeTools: true, Reasoning: true);
    private static readonly ModelCapability SeeingReasoningModel = ReasoningModel with { Vision = true };

    // Prices in US dollars per million tokens, from the OpenRouter catalogue at the end of 2026.
    private static readonly FrozenDictionary<string, (string Class, ModelCapability Capability, ModelPrice Price)> Known =
        new Dictionary<string, (string, ModelCapability, ModelPrice)>(StringComparer.Ordinal)
        {
            ["moonshotai/kimi-k2.5"] = (ModelClass.Fast, Seeing, new(0.6m, 3m)),
            ["moonshotai/kimi-k2"] = (ModelClass.Fast, Standard, new(0.55m, 2.2m)),
            ["openai/gpt-5"] = (ModelClass.Agent, Reading, new(1.25m, 10m)),
            ["openai/gpt-5-mini"] = (ModelClass.Fast, Reading, new(0.25m, 2m)),
            ["openai/gpt-5-nano"] = (ModelClass.Fast, Reading, new(0.05m, 0.4m)),
            ["openai/gpt-4.1"] = (ModelClass.Agent, Reading, new(2m, 8m)),
            ["openai/gpt-4.1-mini"] = (ModelClass.Fast, Reading, new(0.4m, 1.6m)),
            ["openai/gpt-4o"] = (ModelClass.Agent, Reading, new(2.5m, 10m)),
            ["openai/gpt-4o-mini"] = (ModelClass.Fast, Reading, new(0.15m, 0.6m)),
            ["openai/o1-mini"] = (ModelClass.Fast, ReasoningModel, new(1.1m, 4.4m)),
            ["openai/o1-preview"] = (ModelClass.Agent, ReasoningModel, new(15m, 60m)),
            ["anthropic/claude-opus-4.5"] = (ModelClass.Agent, Reading, new(5m, 25m)),
            ["anthropic/claude-sonnet-4.5"] = (ModelClass.Agent, Reading, new(3m, 15m)),
            ["anthropic/claude-haiku-4.5"] = (ModelClass.Fast, Reading, new(1m, 5m)),
            ["google/gemini-2.5-pro"] = (ModelClass.Agent, Reading, new(1.25m, 10m)),
            ["google/gemini-2.5-flash"] = (ModelClass.Fast, Reading, new(0.3m, 2.5m)),
            ["google/gemini-2.0-flash-exp:free"] = (ModelClass.Fast, Seeing, new(0m, 0m)),
            ["deepseek/deepseek-r1"] = (ModelClass.Agent, ReasoningModel, new(0.7m, 2.5m)),
            ["deepseek/deepseek-chat"] = (ModelClass.Agent, Standard, new(0.3m, 1.2m)),
            ["x-ai/grok-4"] = (ModelClass.Agent, SeeingReasoningModel, new(3m, 15m)),
            ["qwen/qwen3-max"] = (ModelClass.Agent, Standard, new(1.2m, 6m)),
            ["mistralai/mistral-large-2512"] = (ModelClass.Agent, Seeing, new(0.5m, 1.5m)),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>
    /// Words in the ids of small or fast models, as vendors use them. A word stands alone: <c>mini</c> is in <c>gpt-5-mini</c>, not in
    /// <c>gemini</c> or <c>minimax</c>.
    /// </summary>
    private static readonly FrozenSet<string> FastWords =
        FrozenSet.Create(
            StringComparer.Ordinal, "mini", "nano", "micro", "tiny", "small", "lite", "light", "flash", "fast", "instant", "turbo", "haiku",
            "kimi");

    private static readonly FrozenSet<string> ReasoningWords = FrozenSet.Create(
        StringComparer.Ordinal, "r1", "reasoning", "reasoner", "thinking");

    public static IEnumerable<string> Ids => Known.Keys;

    /// <summary>
    /// The class of a listed id or of the model that it is a variant of (<c>:free</c>, <c>:nitro</c>), else the class that the words of the
    /// id say. Null: they say nothing. A model that reasons first is never fast, whatever its size.
    /// </summary>
    public static string? ClassOf(string model)
    {
        if (Known.TryGetValue(model, out var known) || (WithoutVariant(model) is { } basic && Known.TryGetValue(basic, out known)))
        {
            return known.Class;
        }

        var name = model[(model.IndexOf('/', StringComparison.Ordinal) + 1)..].ToLowerInvariant();
        return HasWord(name, ReasoningWords) ? ModelClass.Agent : HasWord(name, FastWords) ? ModelClass.Fast : null;
    }

    /// <summary>
    /// Null for an id that is not listed. A variant (<c>:free</c>, <c>:nitro</c>) has its own price, so it must be listed itself.
    /// </summary>
    public static ModelPrice? PriceOf(string model) => Known.TryGetValue(model, out var known) ? known.Price : null;

    /// <summary>Null for an id that is not listed. A variant (<c>:free</c>, <c>:nitro</c>) has the capabilities of its model.</summary>
    public static ModelCapability? CapabilityOf(string model) =>
        Known.TryGetValue(model, out var known) || (WithoutVariant(model) is { } basic && Known.TryGetValue(basic, out known))
            ? known.Capability
            : null;

    /// <summary>Estimates the capabilities of an id that is not listed, from the words in the id.</summary>
    public static ModelCapability Guess(string model) =>
        new(model.Contains("gpt-5", StringComparison.OrdinalIgnoreCase), HasWord(model.ToLowerInvariant(), ReasoningWords));

    /// <summary>The id without its variant suffix; null if it has none.</summary>
    private static string? WithoutVariant(string model) =>
        model.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon ? model[..colon] : null;

    /// <summary>Matches whole words of the id only: <c>r1</c> in <c>deepseek-r1</c>, not in <c>gr1ffin</c>.</summary>
    private static bool HasWord(ReadOnlySpan<char> model, FrozenSet<string> words)
    {
        var lookup = words.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var word in model.SplitAny("/-_.:"))
        {
            if (lookup.Contains(model[word]))
            {
                return true;
            }
        }

        return false;
    }
}
