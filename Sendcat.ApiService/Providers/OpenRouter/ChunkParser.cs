using System.Text.Json;
using Sendcat.ApiService.Providers.Markup;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Parses the chunks of one streamed completion and accumulates their state. It works directly on the bytes of a chunk. Members of an
/// unexpected type are skipped.
/// </summary>
internal sealed class ChunkParser(TextMarkup markup, TimeProvider time)
{
    /// <summary>Maximum bytes of a model name, a response id or a finish reason. A longer value is ignored.</summary>
    private const int MaxStringBytes = 512;

    private ToolCallAssembly? _toolCalls;
    private ReasoningTrail? _trail;
    private SplitCharacter _textSplit;
    private SplitCharacter _reasoningSplit;
    private bool _hadContent;
    private bool _chunkHasContent;
    private bool _chunkHasFinishReason;

    /// <summary>The last finish reason that was not null.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>
    /// The last content came with the finish reason or before it. Content is text, reasoning and fragments of tool calls.
    /// </summary>
    public bool FinishReasonIsLast { get; private set; }

    /// <summary>
    /// A finish reason of this provider does not mark the end: content arrived in a later chunk, or the first chunk with content has a
    /// finish reason already, as in a response with one on every chunk.
    /// </summary>
    public bool FinishReasonMayBeEarly { get; private set; }

    public ProviderUsage? Usage { get; private set; }

    /// <summary>The model that generates the response, as the provider names it.</summary>
    public string? Model { get; private set; }

    public string? ResponseId { get; private set; }

    /// <summary>The first <c>error</c> object; it takes precedence over any finish reason. Null: there was none.</summary>
    public (int? Status, string? ErrorType)? Error { get; private set; }

    /// <summary>The tool calls of the response exceeded a limit of <see cref="ToolCallAssembly"/>.</summary>
    public bool Overflowed { get; private set; }

    /// <param name="json">One complete chunk.</param>
    /// <exception cref="JsonException">The bytes are not exactly one JSON value.</exception>
    public void Parse(ReadOnlySpan<byte> json, List<ProviderEvent> events)
    {
        (_chunkHasContent, _chunkHasFinishReason) = (false, false);
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                ReadChoices(ref reader, json, events);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                Usage = UsageReader.Read(ref reader) ?? Usage;
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                ReadError(ref reader);
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                Model = ReadShortString(ref reader, Model);
            }
            else if (ResponseId is null && reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                ResponseId = ReadShortString(ref reader, null);
            }
            else
            {
                reader.Skip();
            }
        }

        // Throws if a second value follows the first one.
        reader.Read();
        UpdateFinish();
    }

    /// <summary>Adds the complete tool calls of the response.</summary>
    /// <returns>True if there is at least one.</returns>
    public bool CompleteToolCalls(List<ProviderEvent> events) => _toolCalls?.Complete(events) ?? false;

    public string? ReasoningDetailsJson() => _trail?.ToJson();

    private void UpdateFinish()
    {
        FinishReasonMayBeEarly |= _chunkHasContent && (_chunkHasFinishReason ? !_hadContent : FinishReason is not null);
        FinishReasonIsLast = _chunkHasFinishReason || (FinishReasonIsLast && !_chunkHasContent);
        _hadContent |= _chunkHasContent;
    }

    private void ReadChoices(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, List<ProviderEvent> events)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("delta"u8))
                {
                    reader.Read();
                    ReadDelta(ref reader, json, events);
                }
                else if (reader.ValueTextEquals("finish_reason"u8))
                {
                    reader.Read();
                    _chunkHasFinishReason |= IsShortString(reader);
                    FinishReason = ReadShortString(ref reader, FinishReason);
                }
                else if (reader.ValueTextEquals("error"u8))
                {
                    reader.Read();
                    ReadError(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }
    }

    /// <summary>
    /// Emits the events of one delta: reasoning first, then text, then tool calls, independent of the order of the members.
    /// </summary>
    private void ReadDelta(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, List<ProviderEvent> events)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        string? text = null;
        string? reasoning = null;
        string? detailed = null;
        Utf8JsonReader toolCalls = default;
        var hasToolCalls = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8))
            {
                text = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("reasoning"u8) || reader.ValueTextEquals("reasoning_content"u8))
            {
                var part = ReadText(ref reader);
                reasoning = string.IsNullOrEmpty(reasoning) ? part : reasoning;
            }
            else if (reader.ValueTextEquals("reasoning_details"u8))
            {
                reader.Read();
                detailed = ReadReasoningDetails(ref reader, json);
            }
            else if (reader.ValueTextEquals("tool_calls"u8))
            {
                reader.Read();
                toolCalls = reader;
                hasToolCalls = reader.TokenType == JsonTokenType.StartArray && !IsEmpty(reader);
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        _chunkHasContent |= hasToolCalls
            || !string.IsNullOrEmpty(text)
            || !string.IsNullOrEmpty(reasoning)
            || !string.IsNullOrEmpty(detailed);
        reasoning = _reasoningSplit.Join((string.IsNullOrEmpty(reasoning) ? detailed : reasoning) ?? "");
        if (reasoning.Length > 0)
        {
            events.Add(new ProviderEvent.Reasoning(reasoning));
        }

        if (!string.IsNullOrEmpty(text))
        {
            markup.Push(_textSplit.Join(text), events);
        }

        if (hasToolCalls && !markup.FoundCalls)
        {
            ReadToolCalls(ref toolCalls, json, events);
        }
    }

    /// <summary>The reader is passed by value, so the caller's reader does not move.</summary>
    private static bool IsEmpty(Utf8JsonReader array) => array.Read() && array.TokenType == JsonTokenType.EndArray;

    private static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        var text = LenientJsonString.Read(ref reader);
        reader.Skip();
        return text;
    }

    private string? ReadReasoningDetails(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        string? text = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                text += (_trail ??= new ReasoningTrail()).Add(ref reader, json);
            }
            else
            {
                reader.Skip();
            }
        }

        return text;
    }

    private void ReadToolCalls(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, List<ProviderEvent> events)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                var fragment = ToolCallFragmentReader.Read(ref reader, json);
                Overflowed |= !(_toolCalls ??= new ToolCallAssembly(time)).Add(fragment, events);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadError(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is JsonTokenType.Null or JsonTokenType.False)
        {
            return;
        }

        Error ??= ErrorReader.Read(ref reader);
        reader.Skip();
    }

    /// <summary>
    /// The string of the current token. If it equals <paramref name="known"/>, that instance is returned without an allocation. A token
    /// that is not a string, an empty string or a too long string returns <paramref name="known"/>.
    /// </summary>
    private static string? ReadShortString(ref Utf8JsonReader reader, string? known)
    {
        if (!IsShortString(reader))
        {
            reader.Skip();
            return known;
        }

        return known is not null && reader.ValueTextEquals(known) ? known : LenientJsonString.Read(ref reader);
    }

    private static bool IsShortString(in Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length is > 0 and <= MaxStringBytes;
}
