using System.Runtime.CompilerServices;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability.Admission;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The one engine: model call, tools, model call, … until the model answers. Tells what happens as events and puts it on the record; it ends by returning, or throws a
/// <see cref="ProviderException"/>, or is cancelled.
/// </summary>
internal sealed class ChatTurn(TurnStart start, TurnRecord record, Conversation conversation, ProviderRouter router, ToolBox tools, TurnJournal journal, AdmissionTicket ticket, ChatOptions limits, ModelPrices prices, TimeProvider time)
{
    private readonly TurnToolBudget budget = new(tools);
    private readonly AnswerLimit answer = new(limits.MaxAnswerChars);
    private readonly IReadOnlyList<ToolDeclaration> offered = tools.Offered(start.WebSearch);
    private long spent;
    private long spentMicroUsd;

    /// <summary>The model call that is under way or was the last.</summary>
    public ModelCall? Call { get; private set; }

    /// <summary>Tokens of all model calls so far.</summary>
    public long TokensSpent => spent + (Call?.Tokens ?? 0);

    /// <summary>What they cost, in millionths of a dollar.</summary>
    public long MicroUsdSpent => spentMicroUsd + (Call?.MicroUsd(prices) ?? 0);

    /// <summary>Why the model stopped, after the turn has returned.</summary>
    public string FinishReason { get; private set; } = "stop";

    public async IAsyncEnumerable<ChatEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var step = 0; ; step++)
        {
            yield return new ChatEvent.Start(record.MessageId.ToString(), start.WireStreamId, start.ThreadId.ToString(), start.StartedAt, step);

            (spent, spentMicroUsd) = (TokensSpent, MicroUsdSpent);
            var call = Call = new ModelCall(start.ModelId, conversation.Characters, time);
            var lastStep = step == limits.MaxCycles - 1;
            await foreach (var heard in router.StreamAsync(Request(lastStep), cancellationToken))
            {
                if (call.Hear(heard, step) is { } told && answer.Take(told) is { } fitting)
                {
                    Keep(fitting);
                    yield return fitting;
                }

                if (answer.IsExceeded)
                {
                    // Leaving the enumeration closes the provider's connection.
                    call.CutOff();
                    break;
                }
            }

            FinishReason = call.Finished?.Reason ?? "stop";
            yield return new ChatEvent.Usage(call.Finished?.Usage, call.Metrics());
            if (call.ToolCalls.Count == 0 || lastStep || answer.IsExceeded)
            {
                yield break;
            }

            var said = record.Text;
            record.CallTools(call.ToolCalls);
            journal.WriteNow(record);
            conversation.CallTools(said, call.ToolCalls, call.Finished?.ReasoningDetailsJson);
            await foreach (var told in RunToolsAsync(call.ToolCalls, cancellationToken))
            {
                yield return told;
            }

            record.NextMessage(Guid.CreateVersion7(time.GetUtcNow()), time.GetUtcNow());
            journal.WriteNow(record);
        }
    }

    private ProviderRequest Request(bool lastStep) => new()
    {
        ModelId = start.ModelId,
        Messages = conversation.Messages,
        Tools = offered,
        ToolsAllowed = !budget.Spent && !lastStep,
        WebSearch = start.WebSearch,
        ThreadId = start.ThreadId.ToString(),
        StreamId = start.WireStreamId,
        PrimaryHeld = start.PrimaryHeld,
        MessageId = record.MessageId,
    };

    /// <summary>All calls of a step run at once; their answers are told as they come and put on the record in the model's order.</summary>
    private async IAsyncEnumerable<ChatEvent> RunToolsAsync(IReadOnlyList<ProviderToolCall> calls, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var call in calls)
        {
            yield return new ChatEvent.ToolInputAvailable(call.Id, call.Name, call.ArgumentsJson, JsonShape.IsObject(call.ArgumentsJson));
        }

        var counted = ticket.ToolsCalledAsync(calls.Count);
        ToolRun[] runs = [.. calls.Select(call => new ToolRun(call))];
        Task<ToolRun>[] running = [.. runs.Select(run => RunToolAsync(run, cancellationToken))];
        try
        {
            await foreach (var finished in Task.WhenEach(running).WithCancellation(cancellationToken))
            {
                var run = await finished;
                var (call, answer) = (run.Call, run.Answer!);
                if (answer.Pressure is { } pressure)
                {
                    yield return new ChatEvent.ToolBackpressure(call.Id, call.Name, pressure.Reason, pressure.Retryable, pressure.RetryAfterMs);
                }

                if (answer.OutputJson is { } output)
                {
                    yield return new ChatEvent.ToolOutputPartial(call.Id, output);
                }

                yield return new ChatEvent.ToolOutput(call.Id, answer.Text, answer.OutputJson, answer.Failed);
            }
        }
        finally
        {
            // A turn that is stopped here leaves its jobs before it ends, and keeps what was found already.
            await Task.WhenAll(running.Cast<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Keep(runs);
            await counted;
        }
    }

    private async Task<ToolRun> RunToolAsync(ToolRun run, CancellationToken cancellationToken)
    {
        var call = run.Call;
        run.Answer = budget.TryTake(call.Name)
            ? await tools.RunAsync(new ToolCall(call.Id, call.Name, call.ArgumentsJson, start.Principal, start.WebSearch, budget), cancellationToken)
            : new ToolAnswer("The limit for this tool is reached in this turn. Answer the user with what you have.");
        return run;
    }

    private void Keep(ToolRun[] runs)
    {
        if (ShownProducts.Json(runs.SelectMany(run => run.Answer?.Products ?? [])) is { } products)
        {
            record.ShowProducts(products);
        }

        foreach (var (call, answer) in runs.Where(run => run.Answer is not null).Select(run => (run.Call, run.Answer!)))
        {
            record.AnswerTool(call.Id, call.Name, answer.Text, time.GetUtcNow());
            conversation.AnswerTool(call, ShownProducts.After(answer.Text, answer.Products ?? []));
        }
    }

    private void Keep(ChatEvent told)
    {
        switch (told)
        {
            case ChatEvent.ProviderRoute route:
                record.AnswersWith(route.Model);
                break;
            case ChatEvent.Content content:
                record.AppendText(content.Text);
                journal.WriteLater(record);
                break;
            case ChatEvent.Reasoning reasoning:
                record.AppendReasoning(reasoning.Text);
                journal.WriteLater(record);
                break;
        }
    }
}

/// <summary>A tool call on its way to its answer.</summary>
internal sealed class ToolRun(ProviderToolCall call)
{
    public ProviderToolCall Call => call;

    /// <summary>Null until it has come, and if it never does.</summary>
    public ToolAnswer? Answer { get; set; }
}

/// <summary>What a turn was started with.</summary>
internal sealed record TurnStart(Guid ThreadId, Guid StreamId, string Principal, string? ModelId, bool WebSearch, bool PrimaryHeld, DateTimeOffset StartedAt)
{
    /// <summary>Its principal has a guest's limits.</summary>
    public bool IsGuest { get; init; }

    public string WireStreamId { get; } = StreamIds.Format(StreamId);
}

/// <summary>Stream ids as clients see them: <c>STREAM:</c> and a UUID.</summary>
internal static class StreamIds
{
    private const string Prefix = "STREAM:";

    public static string Format(Guid id) => Prefix + id;

    public static bool TryParse(string? text, out Guid id)
    {
        id = default;
        return text is not null && text.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParseExact(text.AsSpan(Prefix.Length), "D", out id);
    }
}
