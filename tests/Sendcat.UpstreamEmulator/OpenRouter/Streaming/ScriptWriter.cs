using Sendcat.UpstreamEmulator.OpenRouter.Assistant;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>
/// Renders an answer as the frames of its stream: reasoning, text, tool calls, finish reason, usage and <c>[DONE]</c>, with the requested faults.
/// </summary>
internal sealed class ScriptWriter
{
    /// <summary>The delay before a cut, in which the earlier chunks leave the send buffers of this machine.</summary>
    private const int CutPauseMs = 20;

    private readonly Directions directions;
    private readonly Answer answer;
    private readonly CatalogModel model;
    private readonly string usage;
    private readonly ScriptBuilder script;
    private int chunks;

    private ScriptWriter(Answer answer, Directions directions, CatalogModel model, int promptTokens)
    {
        this.answer = answer;
        this.directions = directions;
        this.model = model;
        usage = Usage.Of(answer, model, promptTokens);
        script = new(directions);
    }

    public static StreamScript Write(Answer answer, Directions directions, CatalogModel model, int promptTokens)
    {
        var writer = new ScriptWriter(answer, directions, model, promptTokens);
        var endsNormally = writer.WriteAll();
        return new(
            writer.script.Build(),
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
        if (directions.Comments != CommentUse.None)
        {
            script.Comment();
        }

        if (directions.Hang == HangPoint.BeforeFirst)
        {
            script.End(FrameKind.Hang);
            return false;
        }

        script.Wait(directions.FirstMs);
        var deltas = Deltas().ToList();
        foreach (var delta in deltas)
        {
            if (!Faults(deltas.Count))
            {
                return false;
            }

            if (chunks > 0)
            {
                script.Wait(directions.EveryMs);
                if (directions.Comments == CommentUse.Between)
                {
                    script.Comment();
                }
            }

            chunks++;
            var finish = directions.Finish == "on-content" && chunks == deltas.Count ? Json.Quote(answer.Finish) : "null";
            script.Chunk($$"""
                "choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}},"native_finish_reason":{{finish}},"logprobs":null}]}
                """);
        }

        return Faults(deltas.Count) && End();
    }

    private IEnumerable<string> Deltas()
    {
        var index = 0;
        foreach (var reasoning in answer.Reasoning)
        {
            yield return directions.ReasoningAs == ReasoningShape.Content
                ? $$"""{"role":"assistant","reasoning_content":{{Json.Quote(reasoning)}}}"""
                : $$"""{"role":"assistant","content":"","reasoning":{{Json.Quote(reasoning)}},"reasoning_details":[{"type":"reasoning.text","text":{{Json.Quote(reasoning)}},"format":"anthropic-claude-v1","index":0}]}""";
            if (++index == answer.Reasoning.Count && directions.ReasoningAs == ReasoningShape.OpenRouter)
            {
                yield return """{"role":"assistant","content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","signature":"ZW11bGF0b3I=","format":"anthropic-claude-v1","index":0}]}""";
            }
        }

        foreach (var text in answer.Content)
        {
            yield return $$"""{"role":"assistant","content":{{script.Content(text)}}}""";
        }

        if (answer.ToolCalls.Count > 0)
        {
            foreach (var calls in ToolCallDeltas.Of(answer.ToolCalls, directions))
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
        bool Here(int? position) => position is { } p && Math.Min(p, total) == chunks;

        if (Here(directions.GiantBytes is null ? null : directions.GiantAfter))
        {
            script.Chunk($$"""
                "choices":[{"index":0,"delta":{"role":"assistant","content":"{{new string('x', directions.GiantBytes!.Value)}}"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}
                """);
        }

        if (Here(directions.BadJsonAfter))
        {
            script.Data("""{"id":"gen-bad","choices":[{"index":0,"delta":{"content":"this line is""");
        }

        if (Here(directions.Hang == HangPoint.Mid ? total / 2 : directions.StallAfter))
        {
            if (directions.Hang == HangPoint.Mid || directions.StallMs is null)
            {
                script.End(FrameKind.Hang);
                return false;
            }

            script.Wait(directions.StallMs.Value);
        }

        if (Here(directions.CutAfter))
        {
            script.Wait(CutPauseMs);
            if (directions.Cut != CutKind.Eof)
            {
                script.End(directions.Cut == CutKind.Rst ? FrameKind.Reset : FrameKind.Fin);
            }

            return false;
        }

        if (directions.ErrorAfter is { AfterFinish: false } error && Here(error.Chunks))
        {
            script.Wait(chunks > 0 ? directions.EveryMs : 0);
            Error(withUsage: false);
            return false;
        }

        return true;
    }

    private bool End()
    {
        var reason = directions.Finish ?? answer.Finish;
        var finish = reason is "none" or "on-content" ? null : reason;
        var ended = finish is not null || reason == "on-content";
        script.Wait(chunks > 0 ? directions.EveryMs : 0);
        if (finish is not null)
        {
            Last(finish, directions.Usage == UsageShape.Same);
        }

        if (directions.ErrorAfter is { AfterFinish: true })
        {
            Error(withUsage: true);
            return false;
        }

        switch (directions.Usage)
        {
            case UsageShape.Separate:
                Last(finish, withUsage: true);
                break;
            case UsageShape.SeparateNull:
                Last(null, withUsage: true);
                break;
            case UsageShape.EmptyChoices:
                script.Chunk($$"""
                    "choices":[],"usage":{{usage}}}
                    """);
                break;
        }

        if (directions.Done)
        {
            script.Data("[DONE]");
        }

        return ended && directions.Done;
    }

    private void Last(string? finish, bool withUsage)
    {
        var native = finish == "tool_calls" ? "tool_use" : finish == "stop" ? "end_turn" : finish;
        script.Chunk($$"""
            "choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":{{Json.Quote(finish)}},"native_finish_reason":{{Json.Quote(native)}},"logprobs":null}]{{(withUsage ? $",\"usage\":{usage}" : "")}}}
            """);
    }

    /// <summary>
    /// Writes an error in one of three formats. A string code comes with finish reason <c>error</c>, and the stream then ends. An integer code comes
    /// with <c>error_type</c>, and <c>[DONE]</c> follows. The third format contains usage and comes after a finish reason.
    /// </summary>
    private void Error(bool withUsage)
    {
        var isNumber = int.TryParse(directions.ErrorCode, out var number);
        var (defaultMessage, type) = isNumber ? Refusal.MessageAndType(number, model) : ("Provider disconnected unexpectedly", directions.ErrorCode);
        var message = Json.Quote(directions.Message ?? defaultMessage);
        var error = isNumber && !withUsage
            ? $$$"""{"code":{{{number}}},"message":{{{message}}},"metadata":{"provider_name":{{{Json.Quote(model.Provider)}}},"error_type":{{{Json.Quote(directions.ErrorType ?? type)}}}}}"""
            : $$"""{"code":{{(isNumber ? directions.ErrorCode : Json.Quote(directions.ErrorCode))}},"message":{{message}}}""";
        var finish = isNumber ? "null" : "\"error\"";
        script.Chunk($$"""
            "error":{{error}},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":{{finish}},"native_finish_reason":{{finish}},"logprobs":null}]{{(withUsage ? $",\"usage\":{usage}" : "")}}}
            """);
        if (isNumber && directions.Done)
        {
            script.Data("[DONE]");
        }
    }
}
