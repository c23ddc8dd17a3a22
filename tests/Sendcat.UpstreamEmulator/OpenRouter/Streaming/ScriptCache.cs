using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>
/// Caches rendered answers, because load tests send the same prompt thousands of times. An answer with tool calls is not cached, because
/// every tool call needs a new id.
/// </summary>
internal sealed class ScriptCache
{
    private const int MaxScripts = 512;
    private const int MaxPromptLength = 4096;

    private readonly ConcurrentDictionary<Key, StreamScript> _scripts = new();

    /// <summary>All inputs of an answer without tool results.</summary>
    /// <param name="Model">The id of the model.</param>
    /// <param name="Prompt">The text of the user without markers.</param>
    /// <param name="Markers">The text of the applied blocks.</param>
    /// <param name="Tools">The names of the offered tools, separated by commas. They decide whether the model calls a tool.</param>
    /// <param name="PromptTokens">The estimated prompt tokens, which the usage object contains.</param>
    /// <param name="Call">The number of the model call in its turn, from 1.</param>
    public sealed record Key(string Model, string Prompt, string Markers, string Tools, int PromptTokens, int Call);

    public bool TryGet(Key key, out StreamScript? script) => _scripts.TryGetValue(key, out script);

    public void Add(Key key, StreamScript script)
    {
        if (key.Prompt.Length > MaxPromptLength)
        {
            return;
        }

        if (_scripts.Count >= MaxScripts)
        {
            _scripts.Clear();
        }

        _scripts[key] = script;
    }
}
