using Sendcat.UpstreamEmulator.OpenRouter.Assistant;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>
/// Renders an answer as the frames of its stream: reasoning, text, tool calls, finish reason, usage and <c>[DONE]</c>, with the requested
/// faults.
/// </summary>
internal sealed class ScriptWriter
{
    /// <summary>The delay before a cut, in which the earlier chunks leave the send buffers of this machine.</summary>
    private const int CutPauseMs = 20;

    private readonly Directions _directions;
    private readonly Answer _answer;
    private readonly CatalogModel _model;
    private readonly string _usage;
    private readonly ScriptBuilder _script;
    private int _chunks;

    private ScriptWriter(Answer answer, Directions directions, CatalogModel model, int promptTokens)
    {
        _answer = answer;
        _directions = directions;
        _model = model;
        _usage = Usage.Of(answer, model, promptTokens);
        _script = new(directions);
    }

    public static StreamScript Write(Answer answer, Directions directions, CatalogModel model, int promptTokens)
    {
        var writer = new ScriptWriter(answer, directions, model, promptTokens);
        var endsNormally = writer.WriteAll();
        return new(
            writer._script.Build(),
            model,
            endsNormally,
            directions.HeadersMs,
            directions.Hang == HangPoint.BeforeHeaders,
            directions.NoSpace,
            directions.SplitBytes,
            directions.CommentEveryMs);
    }

    private bool WriteAll()
    {
        if (_directions.Comments != CommentUse.None)
        {
            _script.Comment();
        }

        if (_directions.Hang == HangPoint.BeforeFirst)
        {
            _script.End(FrameKind.Hang);
            return false;
        }

        _script.Wait(_directions.FirstMs);
        var deltas = Deltas().ToList();
        foreach (var delta in deltas)
        {
            if (!Faults(deltas.Count))
            {
                return false;
            }

            if (_chunks > 0)
            {
                _script.Wait(_directions.EveryMs);
                if (_directions.Comments == CommentUse.Between)
                {
                    _script.Comment();
                }
            }

            _chunks++;
            var finish = _directions.Finish == "on-content" && _chunks == deltas.Count ? Json.Quote(_answer.Finish) : "null";
            _script.Chunk($$"""
                "choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}},"native_finish_reason":{{finish}},"logprobs":null}]}
                """);
        }

        return Faults(deltas.Count) && End();
    }

    private IEnumerable<string> Deltas()
    {
        var index = 0;
        foreach (var reasoning in _answer.Reasoning)
        {
            yield return _directions.ReasoningAs == ReasoningShape.Content
                ? $$"""{"role":"assistant","reasoning_content":{{Json.Quote(reasoning)}}}"""
                : $$"""{"role":"assistant","content":"","reasoning":{{Json.Quote(reasoning)}},"reasoning_details":[{"type":"reasoning.text","text":{{Json.Quote(reasoning)}},"format":"anthropic-claude-v1","index":0}]}""";
            if (++index == _answer.Reasoning.Count && _directions.ReasoningAs == ReasoningShape.OpenRouter)
            {
                yield return """{"role":"assistant","content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","signature":"ZW11bGF0b3I=","format":"anthropic-claude-v1","index":0}]}""";
            }
        }

        foreach (var text in _answer.Content)
        {
            yield return $$"""{"role":"assistant","content":{{_script.Content(text)}}}""";
        }

        if (_answer.ToolCalls.Count > 0)
        {
            foreach (var calls in ToolCallDeltas.Of(_answer.ToolCalls, _directions))
            {
                yield return $$"""{"role":"assistant","content":null,"tool_calls":{{calls}}}""";
            }
        }
    }

    /// <summary>
    /// Writes the faults that are due after the chunks written so far. A position after the end means the end.
    /// Returns false when the fault ends the stream.
    /// </summary>
    private bool Faults(int total)
    {
        bool Here(int? position) => position is { } p && Math.Min(p, total) == _chunks;

        if (Here(_directions.GiantBytes is null ? null : _directions.GiantAfter))
        {
            _script.Chunk($$"""
                "choices":[{"index":0,"delta":{"role":"assistant","content":"{{new string('x', _directions.GiantBytes!.Value)}}"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}
                """);
        }

        if (Here(_directions.BadJsonAfter))
        {
            _script.Data("""{"id":"gen-bad","choices":[{"index":0,"delta":{"content":"this line is""");
        }

        if (Here(_directions.Hang == HangPoint.Mid ? total / 2 : _directions.StallAfter))
        {
            if (_directions.Hang == HangPoint.Mid || _directions.StallMs is null)
            {
                _script.End(FrameKind.Hang);
                return false;
            }

            _script.Wait(_directions.StallMs.Value);
        }

        if (Here(_directions.CutAfter))
        {
            _script.Wait(CutPauseMs);
            if (_directions.Cut != CutKind.Eof)
            {
                _script.End(_directions.Cut == CutKind.Rst ? FrameKind.Reset : FrameKind.Fin);
            }

            return false;
        }

        if (_directions.ErrorAfter is { AfterFinish: false } error && Here(error.Chunks))
        {
            _script.Wait(_chunks > 0 ? _directions.EveryMs : 0);
            Error(withUsage: false);
            return false;
        }

        return true;
    }

    private bool End()
    {
        var reason = _directions.Finish ?? _answer.Finish;
        var finish = reason is "none" or "on-content" ? null : reason;
        var ended = finish is not null || reason == "on-content";
        _script.Wait(_chunks > 0 ? _directions.EveryMs : 0);
        if (finish is not null)
        {
            Last(finish, _directions.Usage == UsageShape.Same);
        }

        if (_directions.ErrorAfter is { AfterFinish: true })
        {
            Error(withUsage: true);
            return false;
        }

        switch (_directions.Usage)
        {
            case UsageShape.Separate:
                Last(finish, withUsage: true);
                break;
            case UsageShape.SeparateNull:
                Last(null, withUsage: true);
                break;
            case UsageShape.EmptyChoices:
                _script.Chunk($$"""
                    "choices":[],"usage":{{_usage}}}
                    """);
                break;
        }

        if (_directions.Done)
        {
            _script.Data("[DONE]");
        }

        return ended && _directions.Done;
    }

    private void Last(string? finish, bool withUsage)
    {
        var native = finish == "tool_calls" ? "tool_use" : finish == "stop" ? "end_turn" : finish;
        _script.Chunk($$"""
            "choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":{{Json.Quote(finish)}},"native_finish_reason":{{Json.Quote(native)}},"logprobs":null}]{{(withUsage ? $",\"usage\":{_usage}" : "")}}}
            """);
    }

    /// <summary>
    /// Writes an error in one of three formats. A string code comes with finish reason <c>error</c>, and the stream then ends. An integer
    /// code comes with <c>error_type</c>, and <c>[DONE]</c> follows. The third format contains usage and comes after a finish reason.
    /// </summary>
    private void Error(bool withUsage)
    {
        var isNumber = int.TryParse(_directions.ErrorCode, out var number);
        var (defaultMessage, type) = isNumber
            ? Refusal.MessageAndType(number, _model)
            : ("Provider disconnected unexpectedly", _directions.ErrorCode);
        var message = Json.Quote(_directions.Message ?? defaultMessage);
        var error = isNumber && !withUsage
            ? $$$"""{"code":{{{number}}},"message":{{{message}}},"metadata":{"provider_name":{{{Json.Quote(_model.Provider)}}},"error_type":{{{Json.Quote(_directions.ErrorType ?? type)}}}}}"""
            : $$"""{"code":{{(isNumber ? _directions.ErrorCode : Json.Quote(_directions.ErrorCode))}},"message":{{message}}}""";
        var finish = isNumber ? "null" : "\"error\"";
        _script.Chunk($$"""
            "error":{{error}},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":{{finish}},"native_finish_reason":{{finish}},"logprobs":null}]{{(withUsage ? $",\"usage\":{_usage}" : "")}}}
            """);
        if (isNumber && _directions.Done)
        {
            _script.Data("[DONE]");
        }
    }
}
