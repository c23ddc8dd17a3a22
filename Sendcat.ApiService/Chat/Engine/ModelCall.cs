using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>
/// State of one model call: requested model, tool calls, duration and cost. The text of the answer is in the <see cref="TurnRecord"/>.
/// </summary>
/// <param name="requestedModel">Null: the operator's default model.</param>
/// <param name="promptCharacters">Characters of the conversation that is sent to the model.</param>
internal sealed class ModelCall(string? requestedModel, int promptCharacters, TimeProvider time)
{
    /// <summary>
    /// Characters per token of English prose: the estimate for a call without token counts. A provider charges for an aborted answer, too.
    /// </summary>
    public const int CharactersPerToken = 4;

    /// <summary>Upper limit of a plausible cost in US dollars. From this value on, the cost that the provider reports is ignored.</summary>
    private const decimal MaxDollars = 1_000;

    private readonly List<ProviderToolCall> _toolCalls = [];
    private readonly long _startedAt = time.GetTimestamp();
    private string? _model = requestedModel;
    private string? _routed;
    private int _completionCharacters;
    private ProviderUsage? _reported;

    public IReadOnlyList<ProviderToolCall> ToolCalls => _toolCalls;

    public ProviderEvent.Finished? Finished { get; private set; }

    public string? RouteId { get; private set; }

    /// <summary>Timestamp of the first token; null until then.</summary>
    public long? FirstTokenAt { get; private set; }

    /// <summary>
    /// Tokens of prompt and answer: the provider's count if it reported one, else estimated from the characters. 0 until a route has been
    /// chosen.
    /// </summary>
    public long Tokens =>
        RouteId is null ? 0 : Usage?.TotalTokens ?? (promptCharacters + _completionCharacters) / CharactersPerToken;

    private ProviderUsage? Usage => Finished?.Usage ?? _reported;

    /// <summary>
    /// Tokens and cost of the call; null until a route has been chosen. The cost is rounded up: that which the provider reported, else the
    /// tokens at the price of the model.
    /// </summary>
    public ModelCost? Cost(ModelPrices prices)
    {
        if (_routed is null)
        {
            return null;
        }

        var prompt = Usage?.PromptTokens ?? promptCharacters / CharactersPerToken;
        var completion = Usage?.CompletionTokens ?? _completionCharacters / CharactersPerToken;
        var cost = Usage?.Cost is { } dollars and >= 0 and < MaxDollars
            ? dollars * 1_000_000
            : prices.Of(_routed)?.MicroUsd(prompt, completion);
        return new(_routed, 1, prompt, completion, cost is { } microUsd ? (long)decimal.Ceiling(microUsd) : null);
    }

    /// <summary>The provider reported the usage of a call that failed.</summary>
    /// <param name="usage">Null: it reported none.</param>
    public void Failed(ProviderUsage? usage) => _reported = usage;

    /// <summary>Processes an event of the provider.</summary>
    /// <param name="step">Number of the model call within the turn, from 0.</param>
    /// <returns>The event for the readers of the turn; null if there is none.</returns>
    public ChatEvent? Process(ProviderEvent providerEvent, int step)
    {
        if (providerEvent is not ProviderEvent.RouteChosen and not ProviderEvent.FileLeftOut and not ProviderEvent.Finished)
        {
            FirstTokenAt ??= time.GetTimestamp();
        }

        switch (providerEvent)
        {
            case ProviderEvent.RouteChosen route:
                (RouteId, _model, _routed) = (route.RouteId, route.Model, route.Model);
                return new ChatEvent.ProviderRoute(route.ProviderId, route.RouteId, route.ModelClass, route.Model, step);
            case ProviderEvent.FileLeftOut file:
                return new ChatEvent.AttachmentSkipped(file.Id, file.Name, file.MediaType, file.Reason);
            case ProviderEvent.Text text:
                _completionCharacters += text.Delta.Length;
                return new ChatEvent.Content(text.Delta);
            case ProviderEvent.Reasoning reasoning:
                _completionCharacters += reasoning.Delta.Length;
                return new ChatEvent.Reasoning(reasoning.Delta);
            case ProviderEvent.ToolCallStarted tool:
                return new ChatEvent.ToolInputStart(tool.Id, tool.Name);
            case ProviderEvent.ToolCallDelta delta:
                _completionCharacters += delta.ArgumentsDelta.Length;
                return new ChatEvent.ToolInputDelta(delta.Id, delta.ArgumentsDelta);
            case ProviderEvent.ToolCallReady ready:
                // Arguments that are not valid JSON stay unchanged; the tool rejects them.
                _toolCalls.Add(
                    OneLineJson.Of(ready.Call.ArgumentsJson) is { } arguments ? ready.Call with { ArgumentsJson = arguments } : ready.Call);
                return null;
            case ProviderEvent.Finished finished:
                Finished = finished;
                _model = finished.Model ?? _model;
                return null;
            default:
                return null;
        }
    }

    /// <summary>Ends the call because the answer exceeds the limit of the turn, with the finish reason <c>length</c>.</summary>
    public void Truncate() => Finished = new ProviderEvent.Finished("length", null, _model, null);

    public CallMetrics Metrics() => new(
        (long)time.GetElapsedTime(_startedAt).TotalMilliseconds,
        FirstTokenAt is { } first ? (long)time.GetElapsedTime(_startedAt, first).TotalMilliseconds : null,
        _model ?? "unknown",
        Finished?.Reason);
}
