using System.Runtime.CompilerServices;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability.Admission;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>
/// Runs one turn: model call, tools, model call, … until the model answers without a tool call or a limit is reached. Yields what happens
/// as events and writes it to the <see cref="TurnRecord"/>.
/// </summary>
internal sealed class ChatTurn(
    TurnStart start, TurnRecord record, Conversation conversation, ProviderRouter router, ToolBox tools, TurnJournal journal,
    AdmissionTicket ticket,
    ChatOptions limits, ModelPrices prices, MoneyBudget money, TimeProvider time)
{
    private readonly HashSet<ChatEvent.AttachmentSkipped> _skipped = [];
    private readonly TurnToolBudget _budget = new(tools);
    private readonly AnswerLimit _answerLimit = new(limits.MaxAnswerChars);
    private readonly IReadOnlyList<ToolDeclaration> _offeredTools = tools.Offered(start.WebSearch);

    // Tokens and cost of the model calls before the current one.
    private readonly List<ModelCost> _earlierCosts = [];
    private long _earlierTokens;
    private long? _earlierFirstTokenAt;

    /// <summary>The current model call, or the last one when none is running.</summary>
    public ModelCall? Call { get; private set; }

    /// <summary>Tokens of all model calls so far.</summary>
    public long TokensSpent => _earlierTokens + (Call?.Tokens ?? 0);

    /// <summary>Cost of all model calls so far.</summary>
    public TurnCost Cost => TurnCost.Of(Call?.Cost(prices) is { } current ? [.. _earlierCosts, current] : _earlierCosts);

    /// <summary>A tool was refused or not awaited, because its lane was full.</summary>
    public bool LaneWasFull { get; private set; }

    /// <summary>Timestamp of the first token of the turn; null until then.</summary>
    public long? FirstTokenAt => _earlierFirstTokenAt ?? Call?.FirstTokenAt;

    /// <summary>The finish reason of the last model call. Valid after <see cref="RunAsync"/> has returned.</summary>
    public string FinishReason { get; private set; } = "stop";

    /// <summary>Runs the turn. Enumerate it once.</summary>
    /// <exception cref="ProviderException">No provider answered, or the answer failed.</exception>
    /// <exception cref="TurnRefusedException">The budget of money does not cover the next model call.</exception>
    /// <exception cref="OperationCanceledException">The turn was ended from outside.</exception>
    public async IAsyncEnumerable<ChatEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var step = 0; ; step++)
        {
            yield return new ChatEvent.Start(
                record.MessageId.ToString(), start.WireStreamId, start.ThreadId.ToString(), start.StartedAt, step);

            (_earlierTokens, _earlierFirstTokenAt) = (TokensSpent, FirstTokenAt);
            if (Call?.Cost(prices) is { } cost)
            {
                _earlierCosts.Add(cost);
            }

            var call = Call = new ModelCall(start.ModelId, conversation.Characters, time);
            record.Trail?.CallBegan();
            var lastStep = step == limits.MaxCycles - 1;
            if (step > 0
                && await money.CoverAsync(
                    ticket, start.ModelId, start.HeldRoute, conversation.Messages, _offeredTools, Cost.MicroUsd) is { } refusal)
            {
                throw new TurnRefusedException(refusal);
            }

            await foreach (var providerEvent in router.StreamAsync(BuildRequest(lastStep), cancellationToken))
            {
                var hadToken = call.FirstTokenAt is not null;
                // Every call of the turn sends the same files. A file that is left out for the same reason again is not reported again.
                if (call.Process(providerEvent, step) is { } chatEvent
                    && (chatEvent is not ChatEvent.AttachmentSkipped skipped || _skipped.Add(skipped))
                    && _answerLimit.Take(chatEvent) is { } fitting)
                {
                    Record(fitting);
                    yield return fitting;
                }

                if (!hadToken && call.FirstTokenAt is not null)
                {
                    record.Trail?.FirstToken();
                }

                if (_answerLimit.IsExceeded)
                {
                    // Leaving the enumeration closes the connection to the provider.
                    call.Truncate();
                    break;
                }
            }

            FinishReason = call.Finished?.Reason ?? "stop";
            record.Trail?.CallEnded(FinishReason, call.Tokens);
            yield return new ChatEvent.Usage(call.Finished?.Usage, call.Metrics());
            if (call.ToolCalls.Count == 0 || lastStep || _answerLimit.IsExceeded)
            {
                yield break;
            }

            var text = record.Text;
            record.AddToolCalls(call.ToolCalls);
            journal.WriteNow(record);
            conversation.AddToolCalls(text, call.ToolCalls, call.Finished?.ReasoningDetailsJson);
            await foreach (var chatEvent in RunToolsAsync(call.ToolCalls, cancellationToken))
            {
                yield return chatEvent;
            }

            record.NextMessage(Guid.CreateVersion7(time.GetUtcNow()), time.GetUtcNow());
            journal.WriteNow(record);
        }
    }

    private ProviderRequest BuildRequest(bool lastStep) => new()
    {
        ModelId = start.ModelId,
        Messages = conversation.Messages,
        Tools = _offeredTools,
        ToolsAllowed = !_budget.Exhausted && !lastStep,
        WebSearch = start.WebSearch,
        ThreadId = start.ThreadId.ToString(),
        StreamId = start.WireStreamId,
        HeldRoute = start.HeldRoute,
        PricedOnly = ticket.HasMoneyBudget,
        MessageId = record.MessageId,
        OnAttempt = record.Trail is null ? null : Attempted,
    };

    private void Attempted(AttemptNotice attempt)
    {
        record.Trail?.Attempted(attempt);
        if (attempt.Failure is not null)
        {
            // An operator who looks why the turn waits sees the failure within a second.
            journal.WriteLater(record);
        }
    }

    /// <summary>
    /// Runs all tool calls of a step at the same time. Yields each result when it arrives; the record gets the results in the order of the
    /// calls.
    /// </summary>
    private async IAsyncEnumerable<ChatEvent> RunToolsAsync(
        IReadOnlyList<ProviderToolCall> calls, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var call in calls)
        {
            yield return new ChatEvent.ToolInputAvailable(call.Id, call.Name, call.ArgumentsJson, JsonShape.IsObject(call.ArgumentsJson));
        }

        var counting = ticket.ToolsCalledAsync(calls.Count);
        ToolRun[] runs = [.. calls.Select(call => new ToolRun(call))];
        Task<ToolRun>[] running = [.. runs.Select(run => RunToolAsync(run, cancellationToken))];
        try
        {
            await foreach (var finished in Task.WhenEach(running).WithCancellation(cancellationToken))
            {
                var run = await finished;
                var (call, result) = (run.Call, run.Result!);
                if (result.Pressure is { } pressure)
                {
                    LaneWasFull = true;
                    yield return new ChatEvent.ToolBackpressure(
                        call.Id, call.Name, pressure.Reason, pressure.Retryable, pressure.RetryAfterMs);
                }

                if (result.OutputJson is { } output)
                {
                    yield return new ChatEvent.ToolOutputPartial(call.Id, output);
                }

                yield return new ChatEvent.ToolOutput(call.Id, result.Text, result.OutputJson, result.Failed);
            }
        }
        finally
        {
            // Also when the turn is cancelled here: it waits until every call has left its job, and records the results that have arrived.
            await Task.WhenAll(running.Cast<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Record(runs);
            await counting;
        }
    }

    private async Task<ToolRun> RunToolAsync(ToolRun run, CancellationToken cancellationToken)
    {
        var call = run.Call;
        record.Trail?.ToolBegan(call.Id, call.Name);
        run.Result = _budget.TryTake(call.Name)
            ? await tools.RunAsync(
                new ToolCall(call.Id, call.Name, call.ArgumentsJson, start.Principal, start.WebSearch, _budget)
                {
                    OnJob = (job, joined) => JobEntered(call, job, joined),
                    OnFound = source => record.Trail?.ToolFound(call.Id, source),
                },
                cancellationToken)
            : new ToolCallResult("The limit for this tool is reached in this turn. Answer the user with what you have.");
        record.Trail?.ToolEnded(call.Id, run.Result);
        return run;
    }

    private void JobEntered(ProviderToolCall call, Guid job, bool joined)
    {
        record.Trail?.JobEntered(call.Id, job, joined);
        journal.WriteLater(record);
    }

    private void Record(ToolRun[] runs)
    {
        if (ShownProducts.Json(runs.SelectMany(run => run.Result?.Products ?? [])) is { } products)
        {
            record.SetProducts(products);
        }

        if (ShownSources.Json(runs.SelectMany(run => run.Result?.Hits ?? [])) is { } sources)
        {
            record.SetSources(sources);
        }

        foreach (var (call, result) in runs.Where(run => run.Result is not null).Select(run => (run.Call, run.Result!)))
        {
            record.AddToolResult(call.Id, call.Name, result.Text, time.GetUtcNow(), result.Failed);
            conversation.AddToolResult(call, ShownProducts.After(result.Text, result.Products ?? []));
        }
    }

    private void Record(ChatEvent chatEvent)
    {
        switch (chatEvent)
        {
            case ChatEvent.ProviderRoute route:
                record.SetModel(route.Model);
                record.Trail?.RouteChosen();
                break;
            case ChatEvent.Content content:
                record.AppendText(content.Text);
                journal.WriteLater(record);
                break;
            case ChatEvent.Reasoning reasoning:
                record.AppendReasoning(reasoning.Text);
                journal.WriteLater(record);
                break;
            case ChatEvent.ToolInputStart call:
                record.BeginToolCall(call.ToolCallId, call.ToolName);
                break;
            case ChatEvent.ToolInputDelta arguments:
                record.AppendArguments(arguments.ToolCallId, arguments.Delta);
                break;
        }
    }
}

/// <summary>A tool call that runs, and its result.</summary>
internal sealed class ToolRun(ProviderToolCall call)
{
    public ProviderToolCall Call => call;

    /// <summary>Null until the result has arrived; stays null if the call is cancelled.</summary>
    public ToolCallResult? Result { get; set; }
}
