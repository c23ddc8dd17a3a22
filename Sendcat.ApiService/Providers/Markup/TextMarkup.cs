using System.Buffers;
using System.Text;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.Markup;

/// <summary>
/// Removes tool calls and reasoning from the streamed text of a model and emits them as separate events. A delta may end anywhere inside
/// the markup; the resulting text, reasoning and calls do not depend on the boundaries of the deltas. The content of an open tag block is
/// never emitted as text, even if it cannot be parsed. After the first block with calls no more text is emitted.
/// </summary>
/// <param name="webSearch">False: calls of <c>search_web</c> are removed but not executed.</param>
/// <param name="toolsAllowed">False: all calls are removed but not executed, because the turn has used up its tool budget.</param>
internal sealed class TextMarkup(MarkupSyntax syntax, bool webSearch, bool toolsAllowed, TimeProvider time)
{
    /// <summary>Maximum characters of a tag block. A longer block is not a tool call; it is removed without being buffered.</summary>
    private const int MaxTagBlock = 16 * 1024;

    /// <summary>Maximum characters of a query in brackets. A longer one, or one with a line break, is plain text.</summary>
    private const int MaxBracketBlock = 512;

    private ArrayBufferWriter<char>? _held;
    private ArrayBufferWriter<char>? _block;
    private StringBuilder? _out;
    private MarkupBlock? _open;
    private bool _thinking;
    private bool _tooLong;

    /// <summary>Calls were found and emitted. The rest of the response is ignored.</summary>
    public bool FoundCalls => Calls.Count > 0;

    public IReadOnlyList<ProviderToolCall> Calls { get; private set; } = [];

    /// <summary>Processes the next piece of text and emits the events that no later text can change.</summary>
    public void Push(string delta, List<ProviderEvent> events)
    {
        if (FoundCalls || delta.Length == 0)
        {
            return;
        }

        if (_open is null && HeldLength == 0 && delta.AsSpan().IndexOfAny(Syntax.Triggers) < 0)
        {
            events.Add(_thinking ? new ProviderEvent.Reasoning(delta) : new ProviderEvent.Text(delta));
            return;
        }

        var rest = delta.AsSpan();
        while (!rest.IsEmpty && !FoundCalls)
        {
            if (_open is null && HeldLength == 0)
            {
                var trigger = rest.IndexOfAny(Syntax.Triggers);
                Emit(trigger < 0 ? rest : rest[..trigger]);
                if (trigger < 0)
                {
                    break;
                }

                rest = rest[trigger..];
            }

            var next = rest[0];
            rest = rest[1..];
            if (_open is null)
            {
                AppendToMarker(next, events);
            }
            else
            {
                AppendToBlock(next, events);
            }
        }

        Flush(events);
    }

    /// <summary>
    /// The response is complete. Characters that were buffered as a possible marker are emitted as text. An unclosed tag block is parsed,
    /// because it may contain a complete call.
    /// </summary>
    public void Complete(List<ProviderEvent> events)
    {
        if (_open is { } open && MarkupSyntax.EndTag(open) is not null && !_tooLong)
        {
            Close(open, events);
        }

        Abandon(events);
    }

    /// <summary>The response was interrupted. Buffered text is emitted, and an open block is dropped.</summary>
    public void Abandon(List<ProviderEvent> events)
    {
        if (_open is null && HeldLength > 0 && !FoundCalls)
        {
            Emit(_held!.WrittenSpan);
        }

        _held?.ResetWrittenCount();
        _open = null;
        Flush(events);
    }

    private MarkupSyntax Syntax => _thinking ? MarkupSyntax.Thinking : syntax;

    private int HeldLength => _held?.WrittenCount ?? 0;

    /// <summary>
    /// Buffers characters while they may become a marker. When they cannot, characters are emitted from the front until the rest may become
    /// a marker.
    /// </summary>
    private void AppendToMarker(char next, List<ProviderEvent> events)
    {
        _held ??= new ArrayBufferWriter<char>(32);
        _held.Write([next]);
        var held = _held.WrittenSpan;
        var from = 0;
        MarkupBlock? opened = null;
        while (from < held.Length && !Syntax.MayOpen(held[from..], out opened))
        {
            from++;
        }

        if (from > 0)
        {
            Emit(held[..from]);
            var remaining = held[from..].ToString();
            _held.ResetWrittenCount();
            _held.Write(remaining);
        }

        if (opened is { } block && HeldLength > 0)
        {
            Open(block, events);
        }
    }

    private void Open(MarkupBlock block, List<ProviderEvent> events)
    {
        switch (block)
        {
            case MarkupBlock.Think or MarkupBlock.StrayThink:
                Flush(events);
                _thinking = block == MarkupBlock.Think;
                _held!.ResetWrittenCount();
                break;
            default:
                // The marker stays in the buffer: if a bracket block turns out to be text, the marker is emitted with it.
                _open = block;
                _tooLong = false;
                (_block ??= new ArrayBufferWriter<char>(128)).ResetWrittenCount();
                break;
        }
    }

    private void AppendToBlock(char next, List<ProviderEvent> events)
    {
        var open = _open!.Value;
        var block = _block!;
        block.Write([next]);
        if (MarkupSyntax.EndTag(open) is { } endTag)
        {
            AppendToTagBlock(open, next, endTag, events);
        }
        else if (next == ']' && MarkupCalls.BracketEnds(open, block.WrittenSpan))
        {
            Close(open, events);
        }
        else if (next is '\n' or '\r' || block.WrittenCount > MaxBracketBlock)
        {
            ReleaseAsText(events);
        }
    }

    private void AppendToTagBlock(MarkupBlock open, char next, string endTag, List<ProviderEvent> events)
    {
        var block = _block!;
        if (next == '>' && block.WrittenSpan.EndsWith(endTag, StringComparison.OrdinalIgnoreCase))
        {
            Close(open, events);
        }
        else if (block.WrittenCount > MaxTagBlock)
        {
            // Only enough characters to recognize the end tag stay in the buffer.
            var tail = block.WrittenSpan[^endTag.Length..].ToString();
            block.ResetWrittenCount();
            block.Write(tail);
            _tooLong = true;
        }
    }

    /// <summary>
    /// The bracket block is text. Its first character is emitted; the others are processed again, because they may contain a marker.
    /// </summary>
    private void ReleaseAsText(List<ProviderEvent> events)
    {
        var text = string.Concat(_held!.WrittenSpan, _block!.WrittenSpan);
        _held.ResetWrittenCount();
        _open = null;
        Emit(text.AsSpan(0, 1));
        Flush(events);
        Push(text[1..], events);
    }

    private void Close(MarkupBlock open, List<ProviderEvent> events)
    {
        _held!.ResetWrittenCount();
        _open = null;
        if (_tooLong)
        {
            return;
        }

        var calls = MarkupCalls.Read(open, _block!.WrittenSpan.ToString())
            .Where(call => toolsAllowed && (webSearch || call.Name != QueuedTool.SearchWeb.Name))
            .Select(call => new ProviderToolCall(ToolCallId.New(time), StorableText.Sanitize(call.Name), call.ArgumentsJson))
            .ToList();
        if (calls.Count == 0)
        {
            return;
        }

        Flush(events);
        Calls = calls;
        foreach (var call in calls)
        {
            events.Add(new ProviderEvent.ToolCallStarted(call.Id, call.Name));
            events.Add(new ProviderEvent.ToolCallDelta(call.Id, call.ArgumentsJson));
        }

        events.AddRange(calls.Select(call => new ProviderEvent.ToolCallReady(call)));
    }

    private void Emit(ReadOnlySpan<char> text) => (_out ??= new StringBuilder()).Append(text);

    private void Flush(List<ProviderEvent> events)
    {
        if (_out is not { Length: > 0 })
        {
            return;
        }

        var text = _out.ToString();
        _out.Clear();
        events.Add(_thinking ? new ProviderEvent.Reasoning(text) : new ProviderEvent.Text(text));
    }
}
