using System.Globalization;
using System.Text;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>
/// A model as <c>/models</c> lists it. Prices are in US dollars per token, <paramref name="ContextLength"/> is in tokens.
/// </summary>
internal sealed record CatalogModel(
    string Id,
    string Name,
    string Provider,
    int ContextLength,
    decimal PromptPrice,
    decimal CompletionPrice,
    bool Tools = true,
    bool Reasoning = false,
    bool Images = false,
    bool Files = false)
{
    public string ToJson()
    {
        string[] parameters =
        [
            "max_tokens", "temperature", "top_p", "stop", "seed", "response_format",
            .. Tools ? (string[])["tools", "tool_choice", "parallel_tool_calls"] : [],
            .. Reasoning ? (string[])["reasoning", "include_reasoning"] : [],
        ];
        var modality = Images ? "text+image->text" : "text->text";
        var inputs = string.Join(
            ',', (string[])["\"text\"", .. Images ? (string[])["\"image\""] : [], .. Files ? (string[])["\"file\""] : []]);
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"id":{{Json.Quote(Id)}},"canonical_slug":{{Json.Quote(Id)}},"name":{{Json.Quote(Name)}},"created":1748736000,"description":{{Json.Quote($"{Name}, as the emulator stands in for it.")}},"context_length":{{ContextLength}},"architecture":{"modality":"{{modality}}","input_modalities":[{{inputs}}],"output_modalities":["text"],"tokenizer":"Other","instruct_type":null},"pricing":{"prompt":"{{PromptPrice:0.##########}}","completion":"{{CompletionPrice:0.##########}}","request":"0","image":"0"},"top_provider":{"context_length":{{ContextLength}},"max_completion_tokens":{{ContextLength / 8}},"is_moderated":false},"per_request_limits":null,"supported_parameters":[{{string.Join(',', parameters.Select(Json.Quote))}}]}""");
    }
}

/// <summary>The models that <c>GET /models</c> lists. A request may also name a model that is not listed.</summary>
internal static class ModelCatalog
{
    private static readonly CatalogModel[] Models =
    [
        new("moonshotai/kimi-k2.5", "MoonshotAI: Kimi K2.5", "Moonshot AI", 262_144, 0.0000006m, 0.000003m, Images: true),
        new("moonshotai/kimi-k2-thinking", "MoonshotAI: Kimi K2 Thinking", "Moonshot AI", 262_144, 0.0000006m, 0.0000025m, Reasoning: true),
        new("google/gemini-2.0-flash-exp:free", "Google: Gemini 2.0 Flash (free)", "Google", 1_048_576, 0m, 0m, Images: true),
        new(
            "google/gemini-2.5-flash", "Google: Gemini 2.5 Flash", "Google", 1_048_576, 0.0000003m, 0.0000025m, Reasoning: true,
            Images: true, Files: true),
        new(
            "google/gemini-2.5-pro", "Google: Gemini 2.5 Pro", "Google", 1_048_576, 0.00000125m, 0.00001m, Reasoning: true, Images: true,
            Files: true),
        new("openai/gpt-5", "OpenAI: GPT-5", "OpenAI", 400_000, 0.00000125m, 0.00001m, Reasoning: true, Images: true, Files: true),
        new(
            "openai/gpt-5-mini", "OpenAI: GPT-5 Mini", "OpenAI", 400_000, 0.00000025m, 0.000002m, Reasoning: true, Images: true,
            Files: true),
        new("openai/gpt-4o", "OpenAI: GPT-4o", "OpenAI", 128_000, 0.0000025m, 0.00001m, Images: true, Files: true),
        new("openai/gpt-4o-mini", "OpenAI: GPT-4o-mini", "OpenAI", 128_000, 0.00000015m, 0.0000006m, Images: true, Files: true),
        new("openai/o1-mini", "OpenAI: o1-mini", "OpenAI", 128_000, 0.0000011m, 0.0000044m, Tools: false, Reasoning: true),
        new(
            "anthropic/claude-sonnet-4.5", "Anthropic: Claude Sonnet 4.5", "Anthropic", 1_000_000, 0.000003m, 0.000015m, Reasoning: true,
            Images: true, Files: true),
        new(
            "anthropic/claude-haiku-4.5", "Anthropic: Claude Haiku 4.5", "Anthropic", 200_000, 0.000001m, 0.000005m, Reasoning: true,
            Images: true, Files: true),
        new("x-ai/grok-4", "xAI: Grok 4", "xAI", 256_000, 0.000003m, 0.000015m, Reasoning: true, Images: true),
        new("deepseek/deepseek-r1", "DeepSeek: R1", "DeepSeek", 163_840, 0.0000004m, 0.000002m, Reasoning: true),
        new("deepseek/deepseek-chat-v3.1", "DeepSeek: DeepSeek V3.1", "DeepSeek", 163_840, 0.0000002m, 0.0000008m),
        new("minimax/minimax-m2", "MiniMax: MiniMax M2", "Minimax", 204_800, 0.00000015m, 0.00000045m, Reasoning: true),
        new("qwen/qwen3-max", "Qwen: Qwen3 Max", "Alibaba", 256_000, 0.0000012m, 0.000006m),
        new("meta-llama/llama-3.3-70b-instruct", "Meta: Llama 3.3 70B Instruct", "DeepInfra", 131_072, 0.00000013m, 0.0000004m),
        new(
            "mistralai/mistral-7b-instruct-v0.1", "Mistral: Mistral 7B Instruct v0.1", "Cloudflare", 2_824, 0.00000011m, 0.00000019m,
            Tools: false),
        .. ModelPresets.Markers.Keys.Select(id => new CatalogModel(
            id,
            $"Emulator: {id["emulator/".Length..]}",
            "Emulator",
            131_072,
            0m,
            0m,
            Tools: !id.Contains("markup", StringComparison.Ordinal),
            Reasoning: id == "emulator/reasoner",
            Images: true,
            Files: true)),
    ];

    private static readonly Dictionary<string, CatalogModel> ById = Models.ToDictionary(m => m.Id, StringComparer.OrdinalIgnoreCase);

    /// <summary>The body of <c>GET /models</c>.</summary>
    public static ReadOnlyMemory<byte> Body { get; } = Encoding.UTF8.GetBytes(
        $$"""{"data":[{{string.Join(',', Models.Select(m => m.ToJson()))}}]}""");

    /// <summary>Returns the model with this id. For an unknown id it returns a model with a medium price.</summary>
    public static CatalogModel Find(string id) =>
        ById.TryGetValue(id, out var model) ? model : new(id, id, "Emulator", 131_072, 0.000001m, 0.000004m, Images: true, Files: true);
}
