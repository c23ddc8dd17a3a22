using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>Load tests send the same prompt thousands of times; its answer is rendered once. Only scripts without tool calls, whose ids must be new each time.</summary>
internal sealed class ScriptCache
{
    private const int Kept = 512;
    private const int LongestPrompt = 4096;

    private readonly ConcurrentDictionary<Key, StreamScript> scripts = new();

    /// <summary>Everything that an answer without tool results depends on.</summary>
    /// <param name="Markers">The blocks that apply, as written.</param>
    /// <param name="Tools">The offered tools, joined; they decide whether a tool is called at all.</param>
    public sealed record Key(string Model, string Prompt, string Markers, string Tools, int PromptTokens, int Call);

    public bool TryGet(Key key, out StreamScript? script) => scripts.TryGetValue(key, out script);

    public void Add(Key key, StreamScript script)
    {
        if (key.Prompt.Length > LongestPrompt)
        {
            return;
        }

        if (scripts.Count >= Kept)
        {
            scripts.Clear();
        }

        scripts[key] = script;
    }
}
