using System.Buffers;
using System.Text;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.ApiService.Providers.Markup;

/// <summary>
/// Takes tool calls and thoughts out of a model's text before anyone sees it. Deltas may cut the markup anywhere; whatever the cuts, the same text, the same
/// reasoning and the same calls come out. Nothing of an open block is let through, and markup never is, understood or not. After the first call the text ends.
/// </summary>
/// <param name="webSearch">False: calls of <c>search_web</c> are removed but not made.</param>
/// <param name="toolsAllowed">False: all calls are removed but not made, because the turn has used up its tools.</param>
internal sealed class TextMarkup(MarkupSyntax syntax, bool webSearch, bool toolsAllowed, TimeProvider time)
{
    /// <summary>Characters of a block of tags; what is longer is no tool call, and is removed without being kept.</summary>
    private const int MaxTagBlock = 16 * 1024;

    /// <summary>Characters of a query in brackets; what is longer, or has a line break, was plain text.</summary>
    private const int MaxBracketBlock = 512;

    private ArrayBufferWriter<char>? _held;
    private ArrayBufferWriter<char>? _block;
    private StringBuilder? _out;
    private MarkupBlock? _open;
    private bool _thinking;
    private bool _tooLong;

    /// <summary>Calls were found and told; the rest of the answer is of no use.</summary>
    public bool FoundCalls => Calls.Count > 0;

    public IReadOnlyList<ProviderToolCall> Calls { get; private set; } = [];

    /// <summary>Takes the next piece of text and tells what can be said for sure.</summary>
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
                Say(trigger < 0 ? rest : rest[..trigger]);
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
                TakeIntoMarker(next, events);
            }
            else
            {
                TakeIntoBlock(next, events);
            }
        }

        Flush(events);
    }

    /// <summary>The answer is complete: what was held as a possible marker was text; an unfinished block of tags may still be a whole call.</summary>
    public void Complete(List<ProviderEvent> events)
    {
        if (_open is { } open && MarkupSyntax.EndTag(open) is not null && !_tooLong)
        {
            Close(open, events);
        }

        Abandon(events);
    }

    /// <summary>The answer broke off: held text is let go, an open block is dropped.</summary>
    public void Abandon(List<ProviderEvent> events)
    {
        if (_open is null && HeldLength > 0 && !FoundCalls)
        {
            Say(_held!.WrittenSpan);
        }

        _held?.ResetWrittenCount();
        _open = null;
        Flush(events);
    }

    private MarkupSyntax Syntax => _thinking ? MarkupSyntax.Thinking : syntax;

    private int HeldLength => _held?.WrittenCount ?? 0;

    /// <summary>Holds characters while they may become a marker; as soon as they cannot, as many as needed are let go from the front.</summary>
    private void TakeIntoMarker(char next, List<ProviderEvent> events)
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
            Say(held[..from]);
            var kept = held[from..].ToString();
            _held.ResetWrittenCount();
            _held.Write(kept);
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
                // The marker stays held: a bracket that turns out to be text is given back with it.
                _open = block;
                _tooLong = false;
                (_block ??= new ArrayBufferWriter<char>(128)).ResetWrittenCount();
                break;
        }
    }

    private void TakeIntoBlock(char next, List<ProviderEvent> events)
    {
        var open = _open!.Value;
        var block = _block!;
        block.Write([next]);
        if (MarkupSyntax.EndTag(open) is { } endTag)
        {
            TakeIntoTags(open, next, endTag, events);
        }
        else if (next == ']' && MarkupCalls.BracketEnds(open, block.WrittenSpan))
        {
            Close(open, events);
        }
        else if (next is '\n' or '\r' || block.WrittenCount > MaxBracketBlock)
        {
            GiveBack(events);
        }
    }

    private void TakeIntoTags(MarkupBlock open, char next, string endTag, List<ProviderEvent> events)
    {
        var block = _block!;
        if (next == '>' && block.WrittenSpan.EndsWith(endTag, StringComparison.OrdinalIgnoreCase))
        {
            Close(open, events);
        }
        else if (block.WrittenCount > MaxTagBlock)
        {
            // Keep just enough to recognise the end tag.
            var tail = block.WrittenSpan[^endTag.Length..].ToString();
            block.ResetWrittenCount();
            block.Write(tail);
            _tooLong = true;
        }
    }

    /// <summary>The bracket was text after all: its first character surely is, the others may hold a marker of their own.</summary>
    private void GiveBack(List<ProviderEvent> events)
    {
        var text = string.Concat(_held!.WrittenSpan, _block!.WrittenSpan);
        _held.ResetWrittenCount();
        _open = null;
        Say(text.AsSpan(0, 1));
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
            .Where(call => toolsAllowed && (webSearch || call.Name != "search_web"))
            .Select(call => new ProviderToolCall(ToolCallId.New(time), call.Name.Replace("\0", "", StringComparison.Ordinal), call.ArgumentsJson))
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

    private void Say(ReadOnlySpan<char> text) => (_out ??= new StringBuilder()).Append(text);

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
