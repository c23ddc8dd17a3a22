using System.Collections.Frozen;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>The models that Sendcat knows by their exact ids.</summary>
internal static class ModelTable
{
    private static readonly ModelCapability Standard = new(NativeTools: true, Reasoning: false);
    private static readonly ModelCapability Thinker = new(NativeTools: true, Reasoning: true);

    private static readonly FrozenDictionary<string, (string Class, ModelCapability Capability)> Known =
        new Dictionary<string, (string, ModelCapability)>(StringComparer.Ordinal)
        {
            ["moonshotai/kimi-k2.5"] = (ModelClass.Fast, Standard),
            ["moonshotai/kimi-k2"] = (ModelClass.Fast, Standard),
            ["openai/gpt-5"] = (ModelClass.Agent, Standard),
            ["openai/gpt-5-mini"] = (ModelClass.Fast, Standard),
            ["openai/gpt-5-nano"] = (ModelClass.Fast, Standard),
            ["openai/gpt-4.1"] = (ModelClass.Agent, Standard),
            ["openai/gpt-4.1-mini"] = (ModelClass.Fast, Standard),
            ["openai/gpt-4o"] = (ModelClass.Agent, Standard),
            ["openai/gpt-4o-mini"] = (ModelClass.Fast, Standard),
            ["openai/o1-mini"] = (ModelClass.Agent, Thinker),
            ["openai/o1-preview"] = (ModelClass.Agent, Thinker),
            ["anthropic/claude-opus-4.5"] = (ModelClass.Agent, Standard),
            ["anthropic/claude-sonnet-4.5"] = (ModelClass.Agent, Standard),
            ["anthropic/claude-haiku-4.5"] = (ModelClass.Fast, Standard),
            ["google/gemini-2.5-pro"] = (ModelClass.Agent, Standard),
            ["google/gemini-2.5-flash"] = (ModelClass.Fast, Standard),
            ["google/gemini-2.0-flash-exp:free"] = (ModelClass.Fast, Standard),
            ["deepseek/deepseek-r1"] = (ModelClass.Agent, Thinker),
            ["deepseek/deepseek-chat"] = (ModelClass.Agent, Standard),
            ["x-ai/grok-4"] = (ModelClass.Agent, Thinker),
            ["qwen/qwen3-max"] = (ModelClass.Agent, Standard),
            ["mistralai/mistral-large-2512"] = (ModelClass.Agent, Standard),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    public static string? ClassOf(string model) => Known.TryGetValue(model, out var known) ? known.Class : null;

    /// <summary>Null for ids that are not listed; a variant (<c>:free</c>, <c>:nitro</c>) can what its model can.</summary>
    public static ModelCapability? CapabilityOf(string model) =>
        Known.TryGetValue(model, out var known) || (VariantOf(model) is { } basic && Known.TryGetValue(basic, out known)) ? known.Capability : null;

    /// <summary>A guess for ids that neither table nor live catalogue know.</summary>
    public static ModelCapability Guess(string model) => new(model.Contains("gpt-5", StringComparison.OrdinalIgnoreCase), IsThinker(model.ToLowerInvariant()));

    private static string? VariantOf(string model) => model.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon ? model[..colon] : null;

    /// <summary>Whole words of an id only: <c>r1</c> in <c>deepseek-r1</c>, not in <c>gr1ffin</c>.</summary>
    private static bool IsThinker(ReadOnlySpan<char> model)
    {
        foreach (var word in model.SplitAny("/-_.:"))
        {
            if (model[word] is "r1" or "reasoning" or "reasoner" or "thinking")
            {
                return true;
            }
        }

        return false;
    }
}
